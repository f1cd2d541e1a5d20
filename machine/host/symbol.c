/*
 * symbol.c -- names of functions, from the symbol table of the program that runs.
 *
 * The file is mapped when the first name is asked for, and stays so.  Its table of symbols is that
 * of the linker (ELF's .symtab), which has static functions too; the loader's has not, so dladdr()
 * would name a neighbour.  Searched from end to end: names are asked for in reports only.
 *
 * Nothing is allocated and nothing trusted: a file that is not what it should be has no names.
 *
 * Locks: none.  Cost: some 10 us a name.
 */
#include "machine/host/symbol.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct table {
	const Elf64_Sym *symbols;
	size_t count;
	const char *names;
	size_t names_bytes;
};

static const uint8_t *file;
static size_t file_bytes;

static void file_map(void)
{
	static bool tried;
	struct stat status;
	if (tried) return;
	tried = true;
	const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return;
	if (fstat(fd, &status) == 0 && status.st_size > 0) {
		void *at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (at != MAP_FAILED) {
			file = at;
			file_bytes = (size_t)status.st_size;
		}
	}
	close(fd);
}

/* `bytes` bytes at offset `at` of the file, or NULL. */
static const void *file_part(uint64_t at, uint64_t bytes)
{
	return at <= file_bytes && bytes <= file_bytes - at ? file + at : NULL;
}

static bool table_find(struct table *t)
{
	const Elf64_Ehdr *elf = file_part(0, sizeof(*elf));
	if (elf == NULL || elf->e_shentsize != sizeof(Elf64_Shdr)) return false;
	const Elf64_Shdr *sections = file_part(elf->e_shoff, elf->e_shnum * sizeof(*sections));
	if (sections == NULL) return false;
	for (unsigned i = 0; i < elf->e_shnum; i++) {
		const Elf64_Shdr *s = &sections[i];
		if (s->sh_type != SHT_SYMTAB || s->sh_link >= elf->e_shnum) continue;
		const Elf64_Shdr *names = &sections[s->sh_link];
		t->symbols = file_part(s->sh_offset, s->sh_size);
		t->count = s->sh_size / sizeof(*t->symbols);
		t->names = file_part(names->sh_offset, names->sh_size);
		t->names_bytes = names->sh_size;
		return t->symbols != NULL && t->names != NULL;
	}
	return false;
}

/* A program that is loaded anywhere numbers its addresses from 0; another as it was linked. */
static uint64_t linked_base(void)
{
	const Elf64_Ehdr *elf = (const Elf64_Ehdr *)(const void *)file;
	return elf->e_type == ET_DYN ? 0 : symbol_base();
}

const char *symbol_find(uint64_t offset, uint64_t *into)
{
	struct table t;
	const Elf64_Sym *best = NULL;
	*into = offset;
	file_map();
	if (file == NULL || !table_find(&t)) return "?";
	const uint64_t at = offset + linked_base();
	for (size_t i = 0; i < t.count; i++) {
		const Elf64_Sym *s = &t.symbols[i];
		if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || s->st_value > at) continue;
		if (s->st_name >= t.names_bytes || at - s->st_value >= s->st_size) continue;
		if (best == NULL || s->st_value > best->st_value) best = s;
	}
	if (best == NULL) return "?";
	*into = at - best->st_value;
	return t.names + best->st_name;
}
