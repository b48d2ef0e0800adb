"""Reference frames: groups as real meters sent them, ids replaced, each with its checksum; and how a line carries them.

Nothing here uses the package: what the tests expect must not come from what they test.
"""

from __future__ import annotations

Groups = tuple[str, ...]

SINGLE_PHASE_HC: Groups = (
    "ADCO 000123456789 D",
    "OPTARIF HC.. <",
    "ISOUSC 60 <",
    "HCHC 024243439 %",
    "HCHP 022032205 #",
    "PTEC HP..  ",
    "IINST 002 Y",
    "IMAX 090 H",
    "PAPP 00510 '",
    "HHPHC A ,",
    "MOTDETAT 000000 B",
)

SINGLE_PHASE_TEMPO: Groups = (
    "ADCO 000123456789 D",
    "OPTARIF BBR( S",
    "ISOUSC 30 9",
    "BBRHCJB 018328856 F",
    "BBRHPJB 023739545 P",
    "BBRHCJW 001466099 U",
    "BBRHPJW 002132883 Z",
    "BBRHCJR 000860118 E",
    "BBRHPJR 000844115 Q",
    "PTEC HCJB C",
    "DEMAIN ROUG +",
    "IINST 012 Z",
    "IMAX 090 H",
    "PAPP 02840 /",
    "HHPHC A ,",
    "MOTDETAT 000000 B",
)

SINGLE_PHASE_WITHOUT_POWER: Groups = (
    "ADCO 000123456789 D",
    "OPTARIF BBR+ V",
    "ISOUSC 45 ?",
    "BBRHCJB 037761543 A",
    "BBRHPJB 043140016 =",
    "BBRHCJW 006181665 S",
    "BBRHPJW 006169316 _",
    "BBRHCJR 002282520 B",
    "BBRHPJR 002950277 Z",
    "PTEC HCJR S",
    "DEMAIN ROUG +",
    "IINST 013 [",
    "IMAX 033 E",
    "HHPHC Y D",
    "MOTDETAT 000000 B",
)

THREE_PHASE_EJP: Groups = (
    "ADCO 000123456789 D",
    'OPTARIF EJP. "',
    "ISOUSC 30 9",
    "EJPHN 001111111 ,",
    "EJPHPM 002222222 B",
    "PTEC HN.. ^",
    "IINST1 010 I",
    "IINST2 005 N",
    "IINST3 008 R",
    "IMAX1 038 ;",
    "IMAX2 042 7",
    "IMAX3 044 :",
    "PMAX 17480 :",
    "PAPP 05800 .",
    "MOTDETAT 000000 B",
    "PPOT 00 #",
)

STANDARD_CONSUMER: Groups = (
    "ADSC\t123456789012\t=",
    "VTIC\t02\tJ",
    "DATE\tE190922173134\t\tH",
    "NGTF\tH PLEINE/CREUSE \t\\",
    "LTARF\t  HEURE  PLEINE \tA",
    "EAST\t020240587\t+",
    "EASF01\t008064497\tH",
    "EASF02\t012176090\t=",
    "EASF03\t000000000\t$",
    "EASF04\t000000000\t%",
    "EASF05\t000000000\t&",
    "EASF06\t000000000\t'",
    "EASF07\t000000000\t(",
    "EASF08\t000000000\t)",
    "EASF09\t000000000\t*",
    'EASF10\t000000000\t"',
    "EASD01\t008064497\tF",
    "EASD02\t012176090\t;",
    'EASD03\t000000000\t"',
    "EASD04\t000000000\t#",
    "IRMS1\t007\t5",
    "URMS1\t240\t@",
    "PREF\t12\tB",
    "PCOUP\t12\t\\",
    "SINSTS\t01679\t]",
    "SMAXSN\tE190922003225\t05529\tB",
    "SMAXSN-1\tE190921234801\t05473\t#",
    "CCASN\tE190922170000\t03073\tD",
    "CCASN-1\tE190922160000\t01710\t]",
    "UMOY1\tE190922173000\t240\t3",
    "STGE\t003A4401\tB",
    "MSG1\tPAS DE          MESSAGE         \t<",
    "PRM\t12345678901234\t8",
    "RELAIS\t000\tB",
    "NTARF\t02\tO",
    "NJOURF\t00\t&",
    "NJOURF+1\t00\tB",
    "PJOURF+1\t0000C001 06208002 2220C001 NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE\tT",
)

STANDARD_PRODUCER: Groups = (
    "ADSC\t123456789012\t=",
    "VTIC\t02\tJ",
    "DATE\tE210414082625\t\tA",
    "NGTF\t     TEMPO      \tF",
    "LTARF\t    HP  BLEU    \t+",
    "EAST\t011604109\t%",
    "EASF01\t002741488\tD",
    "EASF02\t005905500\t;",
    "EASF03\t000624053\t8",
    "EASF04\t001070566\t>",
    "EASF05\t000524151\t8",
    "EASF06\t000738351\tB",
    "EASF07\t000000000\t(",
    "EASF08\t000000000\t)",
    "EASF09\t000000000\t*",
    'EASF10\t000000000\t"',
    "EASD01\t011604109\t6",
    "EASD02\t000000000\t!",
    'EASD03\t000000000\t"',
    "EASD04\t000000000\t#",
    "EAIT\t000671631\t]",
    "ERQ1\t002970842\t[",
    "ERQ2\t000204084\tN",
    "ERQ3\t000084948\t^",
    "ERQ4\t000774332\tX",
    "IRMS1\t001\t/",
    "IRMS2\t002\t1",
    "IRMS3\t001\t1",
    "URMS1\t234\tC",
    "URMS2\t240\tA",
    "URMS3\t242\tD",
    "PREF\t18\tH",
    'PCOUP\t18\t"',
    "SINSTS\t00013\tJ",
    "SINSTS1\t00000\t7",
    "SINSTS2\t00568\tK",
    "SINSTS3\t00000\t9",
    "SMAXSN\tE210414070239\t02636\t<",
    "SMAXSN1\tE210414060632\t00405\t!",
    "SMAXSN2\tE210414070239\t02194\t-",
    "SMAXSN3\tE210414054725\t00565\t0",
    "SMAXSN-1\tE210413195606\t06560\t_",
    "SMAXSN1-1\tE210413111148\t01084\tA",
    "SMAXSN2-1\tE210413195606\t03275\tQ",
    "SMAXSN3-1\tE210413195814\t02904\tQ",
    "SINSTI\t00000\t<",
    "SMAXIN\tE210414000000\t00000\tL",
    "SMAXIN-1\tE210413141848\t03861\tU",
    "CCASN\tE210414080000\t00806\t:",
    "CCASN-1\tE210414073000\t01152\tU",
    'CCAIN\tE210414080000\t00000\t"',
    "CCAIN-1\tE210414073000\t00000\tB",
    "UMOY1\tE210414082000\t230\t&",
    "UMOY2\tE210414082000\t239\t0",
    "UMOY3\tE210414082000\t243\t,",
    "STGE\t013A0501\t@",
    "MSG1\tPAS DE          MESSAGE         \t<",
    "PRM\t12345678901234\t8",
    "RELAIS\t000\tB",
    "NTARF\t02\tO",
    "NJOURF\t00\t&",
    "NJOURF+1\t00\tB",
    "PJOURF+1\t00004001 06004002 22004001 NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE\t.",
)

PMEPMI: Groups = (
    "ADS 041436028024 :",
    "MESURES1 BT 4 SUP36 @",
    "DATE 26/08/16 10:29:04 7",
    "EA_s 422Wh /",
    "ER+_s 0varh 5",
    "ER-_s 189varh )",
    "EAPP_s 495VAh Y",
    "PTCOUR1 HPE +",
    "TARIFDYN INACTIF _",
    "ETATDYN1 000 Z",
    "CONFIG CONSO 8",
    "DATEPA1 26/08/16 10:20:00 ,",
    "PA1_s 6kW L",
    "DATEPA2 26/08/16 10:10:00 ,",
    "PA2_s 5kW L",
    "DATEPA3 26/08/16 10:00:00 ,",
    "PA3_s 5kW M",
    "DATEPA4 26/08/16 09:50:00 :",
    "PA4_s 6kW O",
    "DATEPA5 26/08/16 09:40:00 :",
    "PA5_s 5kW O",
    "DATEPA6 26/08/16 09:30:00 :",
    "PA6_s 7kW R",
    "DebP 14/08/16 02:50:00 (",
    "EAP_s 9649kWh .",
    "ER+P_s 229kvarh ]",
    "ER-P_s 7350kvarh Q",
    "DebP-1 14/07/16 02:25:00 G",
    "FinP-1 14/08/16 02:50:00 X",
    "EAP-1_s 9256kWh F",
    "ER+P-1_s 229kvarh ;",
    "ER-P-1_s 6666kvarh 8",
    "PS 42kVA K",
    "PA1MN 6kW U",
    "PMAX_s 15kVA 0",
    "TGPHI_s -0,39 C",
    "MESURES2 BT 4 SUP36 A",
    "PTCOUR2 HPE ,",
    "ETATDYN2 000 [",
    "DebP_2 14/08/16 02:50:00 9",
    "EAP_s2 9649kWh  ",
    "DebP-1_2 14/07/16 02:25:00 X",
    "FinP-1_2 14/08/16 02:50:00 )",
    "EAP-1_s2 9256kWh 8",
)


def checksum(covered: str) -> str:
    return chr((sum(covered.encode("ascii")) & 0x3F) + 0x20)


def group(text: str) -> str:
    """`LABEL value` or `LABEL\\tvalue` with its last separator and its checksum."""
    return f"{text}\t{checksum(text + chr(9))}" if "\t" in text else f"{text} {checksum(text)}"


def group_of(groups: Groups, label: str) -> str:
    """The group of that label."""
    (found,) = (line for line in groups if label_of(line) == label)
    return found


def label_of(line: str) -> str:
    return line.partition("\t" if "\t" in line else " ")[0]


def replaced(groups: Groups, *texts: str) -> Groups:
    """The groups, with those of the same labels as `texts` exchanged for them, checksums computed."""
    new = {label_of(text): group(text) for text in texts}
    assert new.keys() <= {label_of(line) for line in groups}
    return tuple(new.get(label_of(line), line) for line in groups)


def without(groups: Groups, *labels: str) -> Groups:
    assert set(labels) <= {label_of(line) for line in groups}
    return tuple(line for line in groups if label_of(line) not in labels)


def inserted(groups: Groups, before: str, *texts: str) -> Groups:
    """The groups, with `texts` (checksums computed) before the one of label `before`."""
    place = [label_of(line) for line in groups].index(before)
    return groups[:place] + tuple(group(text) for text in texts) + groups[place:]


def body(groups: Groups) -> bytes:
    return "".join(f"\n{line}\r" for line in groups).encode("ascii")


def wire(*frames: Groups) -> bytes:
    """Frames as a line without parity carries them."""
    return b"".join(b"\x02%b\x03" % body(groups) for groups in frames)


def even(text: bytes) -> bytes:
    """The same at 7E1, as a port at 8N1 sees it."""
    return bytes(code | (code.bit_count() & 1) << 7 for code in text)
