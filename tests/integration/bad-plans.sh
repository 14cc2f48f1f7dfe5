# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What bad plans, images and command lines get, held against tests/golden/bad-plans.txt. A plan is
# bad/NAME.yaml, whose first line is the command; bad/commands has further ones. Images are made
# here, byte by byte.

# ---- images ----

# Little-endian numbers of 1, 2, 4 and 8 bytes.
le8() { printf "\\x$(printf %02x "$(($1 & 255))")"; }
le16() { le8 "$1" && le8 "$(($1 >> 8))"; }
le32() { le16 "$1" && le16 "$(($1 >> 16))"; }
le64() { le32 "$1" && le32 "$(($1 >> 32))"; }

# patch FILE OFFSET: writes standard input into the file.
patch() {
	dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none
}

# zeros FILE SIZE
zeros() {
	head -c "$2" /dev/zero >"$1"
}

# A bzImage of 16 KiB: protocol 2.15, relocatable, 1 MiB, 8 MiB of init_size, 63 bytes of cmdline.
make_bzimage() {
	zeros "$1" 16384
	le8 3 | patch "$1" 0x1f1                     # setup_sects
	le32 896 | patch "$1" 0x1f4                  # syssize, in paragraphs
	le16 0xaa55 | patch "$1" 0x1fe               # boot_flag
	{ le16 0x62eb; printf HdrS; le16 0x020f; } | patch "$1" 0x200
	le8 1 | patch "$1" 0x211                     # loadflags
	le32 0x100000 | patch "$1" 0x214             # code32_start
	le32 0x7fffffff | patch "$1" 0x22c           # initrd_addr_max
	{ le32 0x1000; le8 1; le8 12; le16 1; le32 63; } | patch "$1" 0x230
	{ le64 0x100000; le32 0x800000; } | patch "$1" 0x258
}

# make_multiboot FILE FLAGS CHECKSUM-ERROR LOAD-ADDRESS BSS-END ENTRY, with address fields
make_multiboot() {
	zeros "$1" 4096
	{
		le32 0x1badb002; le32 "$2"; le32 $((-0x1badb002 - $2 + $3))
		le32 "$4"; le32 "$4"; le32 0; le32 "$5"; le32 "$6"
	} | patch "$1" 0
}

# make_elf FILE TYPE MACHINE ADDRESS FILE-SIZE MEMORY-SIZE ENTRY: one ELF64 segment at offset 0
make_elf() {
	zeros "$1" 4096
	{
		printf '\x7fELF\x02\x01\x01'; le64 0; le8 0
		le16 "$2"; le16 "$3"; le32 1; le64 "$7"; le64 64; le64 0
		le32 0; le16 64; le16 56; le16 1; le16 64; le16 0; le16 0
		le32 1; le32 5; le64 0; le64 "$4"; le64 "$4"; le64 "$5"; le64 "$6"; le64 0x1000
	} | patch "$1" 0
}

make_linux_images() {
	make_bzimage bzimage
	cp bzimage bzimage-old && le16 0x0204 | patch bzimage-old 0x206
	cp bzimage zimage && le8 0 | patch zimage 0x211
	cp bzimage bzimage-big && le32 0x40000000 | patch bzimage-big 0x260
	head -c 550 bzimage >bzimage-header
	head -c 9000 bzimage >bzimage-truncated
}

make_images() {
	make_linux_images
	make_multiboot multiboot 0x10003 0 0x100000 0 0x100020
	make_multiboot multiboot-checksum 0x10003 1 0x100000 0 0x100020
	make_multiboot multiboot-flags 0x1000b 0 0x100000 0 0x100020
	make_multiboot multiboot-no-address 3 0 0 0 0
	make_multiboot multiboot-tables 0x10003 0 0xf0000 0xf8000 0xf0020
	make_multiboot multiboot-high 0x10003 0 0x70000000 0 0x70000020
	make_multiboot multiboot-bss 0x10003 0 0x100000 0x20000000 0x100020
	make_elf elf 2 62 0x100000 4096 4096 0x100080
	make_elf elf-arm64 2 183 0x100000 4096 4096 0x100080
	make_elf elf-for-arm64 2 183 0x40080000 4096 4096 0x40080000
	make_elf elf-object 1 62 0x100000 4096 4096 0x100080
	make_elf elf-truncated 2 62 0x100000 65536 65536 0x100080
	make_elf elf-entry 2 62 0x100000 4096 4096 0x900000
	make_elf elf-sizes 2 62 0x100000 4096 100 0x100080
	printf '\x7fELF\x02\x01\x01' >elf-short
	zeros arm64-image 4096 && printf 'ARM\x64' | patch arm64-image 56
	zeros efi 4096 && printf MZ | patch efi 0
	for _ in {1..400}; do printf 'This is no kernel at all.\n'; done >text
	gzip -n <text >text.gz
	head -c 60 text.gz >truncated.gz
	{ printf '\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00'; head -c 500 text; } >garbage.gz
	zeros zeros 40000000 && gzip -n <zeros >bomb.gz && rm zeros
	: >empty
	mkdir directory
	mkfifo fifo
	head -c 4096 text >unreadable && chmod 0 unreadable
	printf 'data\n' >file
	zeros disk 65536 && head -c 1000 disk >disk-odd
	cp disk disk-qcow2 && printf 'QFI\xfb\0\0\0\3' | patch disk-qcow2 0
	cp disk disk-vmdk && printf KDMV | patch disk-vmdk 0
	cp disk disk-vhdx && printf vhdxfile | patch disk-vhdx 0
	cp disk disk-vdi && printf '\x7f\x10\xda\xbe' | patch disk-vdi 64
	ln -s disk disk-link
}

# ---- the table ----

# Numbers that are this host's, and places that are this run's.
neutral() {
	sed -E "s|$PWD/||g; s|$PWD|.|g; s/choose one of [0-9,-]+/choose one of CORES/
		s/this host has [0-9.]+[KMGT]? available/this host has SO MUCH available/"
}

# command TITLE COMMAND-LINE, as in the golden file
show_command() {
	local arguments status
	eval "arguments=($2)"
	timeout -k 5 20 "$BULKHEAD" "${arguments[@]}" </dev/null >show.out 2>&1
	status=$?
	printf '\n== %s\n$ bulkhead %s\n' "$1" "$2"
	neutral <show.out
	printf 'exit code %d\n' $status
}

show_all() {
	local plan line
	echo "Bad plans, images and command lines, and what each gets: made by tests/integration/run."
	for plan in *.yaml; do
		read -r line <"$plan"
		show_command "${plan%.yaml}" "${line#\# bulkhead }"
	done
	while read -r line; do
		[[ $line == \#* || -z $line ]] || show_command "${line%%:*}" "${line#*: }"
	done <commands
}

test_bad-plans() {
	[ "$(uname -m)" = x86_64 ] || skip "plans that do not say are for x86-64 in the golden file"
	local golden=$root/tests/golden/bad-plans.txt
	cp "$here"/bad/* .
	make_images
	show_all >got.txt
	[ -z "$update" ] || cp got.txt "$golden"
	[ "$(grep -c '^== ' got.txt)" -ge 30 ] || fail "fewer than 30 cases"
	diff -u "$golden" got.txt || fail "messages differ from $golden (tests/integration/run --update)"
}
