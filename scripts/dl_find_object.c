// What musl lacks for the C compiler's stack unwinding: libgcc asks `_dl_find_object`, which only glibc has, for the unwinding table
// of the object that holds an address. musl's `dl_iterate_phdr` knows as much. Part of static agents (scripts/setup-aarch64.sh).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>

struct search {
    uintptr_t address;
    struct dl_find_object *object;
};

static int look(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    struct search *search = data;
    const ElfW(Phdr) *code = NULL, *table = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && search->address - info->dlpi_addr - part->p_vaddr < part->p_memsz) code = part;
        if (part->p_type == PT_GNU_EH_FRAME) table = part;
    }
    if (!code || !table) return 0;
    uintptr_t start = info->dlpi_addr + code->p_vaddr;
    *search->object = (struct dl_find_object){
        .dlfo_map_start = (void *)start,
        .dlfo_map_end = (void *)(start + code->p_memsz),
        .dlfo_eh_frame = (void *)(info->dlpi_addr + table->p_vaddr),
    };
    return 1;
}

int _dl_find_object(void *address, struct dl_find_object *object) {
    struct search search = {(uintptr_t)address, object};
    return dl_iterate_phdr(look, &search) ? 0 : -1;
}
