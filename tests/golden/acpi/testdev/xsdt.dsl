[000h 0000   4]                    Signature : "XSDT"    [Extended System Description Table]
[004h 0004   4]                 Table Length : 00000044
[008h 0008   1]                     Revision : 01
[009h 0009   1]                     Checksum : CD
[00Ah 0010   6]                       Oem ID : "BULKHD"
[010h 0016   8]                 Oem Table ID : "BULKHEAD"
[018h 0024   4]                 Oem Revision : 00000001
[01Ch 0028   4]              Asl Compiler ID : "BLKH"
[020h 0032   4]        Asl Compiler Revision : 00000001

[024h 0036   8]       ACPI Table Address   0 : 00000000000F2500
[02Ch 0044   8]       ACPI Table Address   1 : 00000000000F2F40
[034h 0052   8]       ACPI Table Address   2 : 00000000000F2F90
[03Ch 0060   8]       ACPI Table Address   3 : 00000000000F2FD0

Raw Table Data: Length 68 (0x44)

    0000: 58 53 44 54 44 00 00 00 01 CD 42 55 4C 4B 48 44  // XSDTD.....BULKHD
    0010: 42 55 4C 4B 48 45 41 44 01 00 00 00 42 4C 4B 48  // BULKHEAD....BLKH
    0020: 01 00 00 00 00 25 0F 00 00 00 00 00 40 2F 0F 00  // .....%......@/..
    0030: 00 00 00 00 90 2F 0F 00 00 00 00 00 D0 2F 0F 00  // ...../......./..
    0040: 00 00 00 00                                      // ....
