"""Commands beside serving, each in its own module so that none costs another its imports."""
