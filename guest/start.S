/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * start: the entry of a bare-metal guest, by PVH (Xen, docs/misc/pvh.pandoc): 32-bit protected
 * mode, flat segments, paging off, ebx = start info. Interrupt stubs push their vector and call C.
 */
	.section .note.Xen, "a", @note
	.long 4, 4, 18			/* name, description, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long _start

	.text
	.globl _start
_start:
	cli
	mov $stack_top, %esp
	lgdt gdt_pointer
	ljmp $0x08, $1f
1:	mov $0x10, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	push %ebx
	call guest_main

	/* One stub of 16 bytes a vector; those with an error code are fatal, so it need not be kept. */
	.globl interrupt_stubs
	.balign 16
interrupt_stubs:
	vector = 0
	.rept 256
	.balign 16
	push $vector
	jmp interrupt_common
	vector = vector + 1
	.endr

interrupt_common:
	pusha
	push 32(%esp)
	call interrupt
	add $4, %esp
	popa
	add $4, %esp
	iret

	.data
	.balign 8
gdt:	.quad 0
	.quad 0x00cf9b000000ffff	/* code, flat */
	.quad 0x00cf93000000ffff	/* data, flat */
gdt_pointer:
	.word . - gdt - 1
	.long gdt

	.bss
	.balign 16
	.skip 16384
stack_top:

	.section .note.GNU-stack, "", @progbits
