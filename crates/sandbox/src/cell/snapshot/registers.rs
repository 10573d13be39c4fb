//! Registers of the process that is kept: they are saved where it waits, in its memory, and taken from there.

use core::arch::naked_asm;

use super::{become_it, wait};

/// Registers that a function of C leaves as it found them, the stack's end, where to go on, and how numbers are rounded.
#[cfg(target_arch = "x86_64")]
static mut REGISTERS: [usize; 9] = [0; 9];
#[cfg(target_arch = "aarch64")]
static mut REGISTERS: [usize; 22] = [0; 22];

/// Says a frame on descriptor 4 and waits to be kept, for ever: returns in no process but those that become what is kept.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub(super) extern "C" fn keep(frame: *const u8, length: usize) {
    naked_asm!(
        "lea rax, [rip + {registers}]",
        "mov [rax], rbx",
        "mov [rax + 8], rbp",
        "mov [rax + 16], r12",
        "mov [rax + 24], r13",
        "mov [rax + 32], r14",
        "mov [rax + 40], r15",
        "lea rcx, [rsp + 8]",
        "mov [rax + 48], rcx",
        "mov rcx, [rsp]",
        "mov [rax + 56], rcx",
        "stmxcsr [rax + 64]",
        "fnstcw [rax + 68]",
        "jmp {wait}",
        registers = sym REGISTERS,
        wait = sym wait,
    )
}

#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub(super) extern "C" fn go_on() -> ! {
    naked_asm!(
        "lea rdi, [rip + {registers}]",
        "mov rbx, [rdi]",
        "mov rbp, [rdi + 8]",
        "mov r12, [rdi + 16]",
        "mov r13, [rdi + 24]",
        "mov r14, [rdi + 32]",
        "mov r15, [rdi + 40]",
        "ldmxcsr [rdi + 64]",
        "fldcw [rdi + 68]",
        "mov rsp, [rdi + 48]",
        "jmp [rdi + 56]",
        registers = sym REGISTERS,
    )
}

#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub(super) extern "C" fn on_stack(file: i32, end: usize) -> ! {
    naked_asm!("mov rsp, rsi", "call {become}", "ud2", become = sym become_it)
}

/// Says a frame on descriptor 4 and waits to be kept, for ever: returns in no process but those that become what is kept.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub(super) extern "C" fn keep(frame: *const u8, length: usize) {
    naked_asm!(
        "adrp x9, {registers}",
        "add x9, x9, :lo12:{registers}",
        "stp x19, x20, [x9]",
        "stp x21, x22, [x9, 16]",
        "stp x23, x24, [x9, 32]",
        "stp x25, x26, [x9, 48]",
        "stp x27, x28, [x9, 64]",
        "stp x29, x30, [x9, 80]",
        "stp d8, d9, [x9, 96]",
        "stp d10, d11, [x9, 112]",
        "stp d12, d13, [x9, 128]",
        "stp d14, d15, [x9, 144]",
        "mov x10, sp",
        "str x10, [x9, 160]",
        "mrs x10, fpcr",
        "str x10, [x9, 168]",
        "b {wait}",
        registers = sym REGISTERS,
        wait = sym wait,
    )
}

#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub(super) extern "C" fn go_on() -> ! {
    naked_asm!(
        "adrp x9, {registers}",
        "add x9, x9, :lo12:{registers}",
        "ldp x19, x20, [x9]",
        "ldp x21, x22, [x9, 16]",
        "ldp x23, x24, [x9, 32]",
        "ldp x25, x26, [x9, 48]",
        "ldp x27, x28, [x9, 64]",
        "ldp x29, x30, [x9, 80]",
        "ldp d8, d9, [x9, 96]",
        "ldp d10, d11, [x9, 112]",
        "ldp d12, d13, [x9, 128]",
        "ldp d14, d15, [x9, 144]",
        "ldr x10, [x9, 168]",
        "msr fpcr, x10",
        "ldr x10, [x9, 160]",
        "mov sp, x10",
        "ret",
        registers = sym REGISTERS,
    )
}

#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub(super) extern "C" fn on_stack(file: i32, end: usize) -> ! {
    naked_asm!("mov sp, x1", "bl {become}", "brk 0", become = sym become_it)
}
