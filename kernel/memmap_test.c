/*
 * memmap_test.c -- the platform and the memory map: what a board gives, and each lie by its reason.
 */
#include "kernel/memmap.h"

#include "kernel/tree_build.h"
#include "machine/host/expect.h"

static const struct range image = { 0x40080000, 0x100000 };
static const struct range tree_at = { 0x44000000, 0x2345 };

/* The reason why a board is refused, by whoever refuses it, or NULL. */
static const char *judge(const struct tree_board *board, struct range kernel, struct range at,
			 struct memmap *map)
{
	static struct platform platform;
	uint32_t bytes;
	uint8_t *blob = tree_board(board, &bytes);
	struct fdt tree;
	EXPECT(fdt_open(&tree, blob, bytes) == FDT_OK);
	const char *wrong = platform_read(&tree, &platform);
	if (wrong == NULL) wrong = memmap_build(map, &platform, kernel, at);
	free(blob);
	return wrong;
}

static void refused(struct tree_board board, const char *want)
{
	struct memmap map;
	const char *wrong = judge(&board, image, tree_at, &map);
	if (wrong != NULL && strcmp(wrong, want) == 0) return;
	fprintf(stderr, "wanted \"%s\", got \"%s\"\n", want, wrong != NULL ? wrong : "accepted");
	exit(1);
}

static void a_board_is_read(void)
{
	const struct tree_board board = tree_board_default();
	uint32_t bytes;
	uint8_t *blob = tree_board(&board, &bytes);
	struct fdt tree;
	struct platform p;
	EXPECT(fdt_open(&tree, blob, bytes) == FDT_OK && platform_read(&tree, &p) == NULL);
	EXPECT(p.ram_count == 1 && p.ram[0].base == 0x40000000 && p.ram[0].bytes == 0x8000000);
	EXPECT(p.cpu_count == 2 && p.cpus[1] == 1 && p.cpus_by_psci && p.cpus_unused == 0);
	EXPECT(p.conduit == CONDUIT_HVC && p.gic_version == 3 && p.timer_interrupt == 27);
	EXPECT(p.gic_redistributor_count == 1 && p.gic_redistributors[0].base == 0x80a0000);
	EXPECT(p.uart.base == 0x9000000 && p.initrd.bytes == 0);
	EXPECT(bootarg_is_set(p.bootargs, "semihosting"));
	free(blob);
}

static void what_is_held_is_not_usable(void)
{
	struct tree_board board = tree_board_default();
	struct memmap map;
	board.initrd[0] = 0x46000123;
	board.initrd[1] = 0x46001123;
	board.reserved[0] = 0x43fff800; /* over the device tree's start */
	board.reserved[1] = 0x1000;
	board.reserved_numbers = 2;
	EXPECT(judge(&board, image, tree_at, &map) == NULL && memmap_check(&map) == NULL);
	EXPECT(map.usable_count == 4 && map.usable[0].base == 0x40000000);
	EXPECT(map.usable[0].bytes == 0x80000 && map.usable[1].base == 0x40180000);
	EXPECT(map.usable[1].base + map.usable[1].bytes == 0x43fff000);
	EXPECT(map.usable[2].base == 0x44003000);
	EXPECT(map.usable[2].base + map.usable[2].bytes == 0x46000000);
	EXPECT(map.usable[3].base == 0x46002000);
	EXPECT(map.usable_bytes == 0x8000000 - 0x100000 - 0x4000 - 0x2000);
}

static void taking_and_returning(void)
{
	const struct tree_board board = tree_board_default();
	struct memmap map;
	EXPECT(judge(&board, image, tree_at, &map) == NULL);
	const uint64_t all = map.usable_bytes;
	const paddr_t high = memmap_take(&map, 1, PAGE_SIZE, "one");
	EXPECT(high == 0x48000000 - PAGE_SIZE && map.usable_bytes == all - PAGE_SIZE);
	const paddr_t aligned = memmap_take(&map, 3 * PAGE_SIZE, 4 << 20, "aligned");
	EXPECT(aligned == 0x47c00000 && memmap_check(&map) == NULL);
	EXPECT(map.usable_bytes == all - 4 * PAGE_SIZE); /* what lies above is still usable */
	memmap_return(&map, aligned + PAGE_SIZE);
	EXPECT(map.usable_bytes == all - 2 * PAGE_SIZE && memmap_check(&map) == NULL);
	EXPECT(memmap_take(&map, all, PAGE_SIZE, "all") == PADDR_NONE);
	EXPECT(memmap_take(&map, UINT64_MAX, PAGE_SIZE, "more") == PADDR_NONE);
	EXPECT(memmap_take(&map, 0, PAGE_SIZE, "nothing") == PADDR_NONE);
	EXPECT(memmap_check(&map) == NULL);
}

static void memory_in_pieces(void)
{
	struct tree_board board = tree_board_default();
	static const uint64_t pieces[8] = { 0x44001000, 0x3fff000, 0x40000000, 0x4001000,
					    0x60000000, 0x800000,  0x50000fff, 0x1000 };
	struct memmap map;
	memcpy(board.ram, pieces, sizeof(pieces));
	board.ram_numbers = COUNT_OF(pieces);
	EXPECT(judge(&board, image, tree_at, &map) == NULL && memmap_check(&map) == NULL);
	/* Two touch and are one; of the last no whole page is left. */
	EXPECT(map.ram_count == 2 && map.ram[0].bytes == 0x8000000);
	EXPECT(map.ram[1].base == 0x60000000 && map.ram_bytes == 0x8800000);
}

/* Page 0 is memory like any other, but its address says "none". */
static void address_0_is_not_usable(void)
{
	struct tree_board board = tree_board_default();
	struct memmap map;
	board.ram[2] = 0;
	board.ram[3] = 0x10000;
	board.ram_numbers = 4;
	EXPECT(judge(&board, image, tree_at, &map) == NULL && memmap_check(&map) == NULL);
	EXPECT(map.ram[0].base == PAGE_SIZE && map.usable[0].base == PAGE_SIZE);
}

static void sums_do_not_wrap(void)
{
	const struct tree_board board = tree_board_default();
	struct memmap map;
	EXPECT(judge(&board, image, tree_at, &map) == NULL);
	EXPECT(memmap_is_ram(&map, (struct range){ 0x40000000, 0x8000000 }));
	EXPECT(!memmap_is_ram(&map, (struct range){ 0x40000000, 0x8000001 }));
	EXPECT(!memmap_is_ram(&map, (struct range){ 0x47fff000, UINT64_MAX - 0x47ffefff }));
	EXPECT(!memmap_is_ram(&map, (struct range){ UINT64_MAX - 0xfff, 0x1000 }));
	EXPECT(strcmp(judge(&board, image, (struct range){ UINT64_MAX - 7, 0x2000 }, &map),
		      "the device tree is not in memory") == 0);
}

static void memory_that_lies(void)
{
	const struct tree_board good = tree_board_default();
	struct tree_board b = good;
	b.ram[0] = UINT64_MAX - 0xfff;
	refused(b, "memory beyond the address space");
	b = good;
	b.ram[1] = UINT64_MAX;
	refused(b, "memory beyond the address space");
	b = good;
	b.ram_numbers = 4;
	b.ram[2] = 0x47fff000;
	b.ram[3] = 0x2000;
	refused(b, "memory overlaps memory");
	b.ram[2] = 0x8000000;
	b.ram[3] = 0x1000;
	refused(b, "device registers inside memory");
	b = good;
	b.ram[1] = 0;
	refused(b, "no memory");
	b = good;
	b.ram[1] = 0x100000;
	refused(b, "the kernel image is not in memory");
	b.ram[1] = 0x1000000;
	refused(b, "the device tree is not in memory");
	b = good;
	b.ram[0] = 0x40080000;
	b.ram[1] = 0x100000;
	struct memmap map;
	EXPECT(strcmp(judge(&b, image, (struct range){ 0x40080000, 8 }, &map),
		      "the device tree overlaps the kernel image") == 0);
}

static void reservations_and_initrds_that_lie(void)
{
	const struct tree_board good = tree_board_default();
	struct tree_board b = good;
	b.reserved_numbers = 2;
	b.reserved[0] = UINT64_MAX - 0xfff;
	b.reserved[1] = 0x2000;
	refused(b, "a reservation beyond the address space");
	b.reserved[0] = 0x40000000;
	b.reserved[1] = 0x8000000;
	refused(b, "all memory is taken");
	b = good;
	b.initrd[0] = 0x46000000;
	b.initrd[1] = 0x45000000;
	refused(b, "the initrd ends before it starts");
	b.initrd[1] = UINT64_MAX;
	refused(b, "the initrd lies beyond the address space");
	b.initrd[1] = 0x48000001;
	refused(b, "the initrd is not in memory");
	b.initrd[0] = 0x4017ffff;
	b.initrd[1] = 0x40190000;
	refused(b, "the initrd overlaps the kernel image");
	b.initrd[0] = 0x43000000;
	b.initrd[1] = 0x44000001;
	refused(b, "the initrd overlaps the device tree");
}

static void devices_that_lie(void)
{
	const struct tree_board good = tree_board_default();
	struct tree_board b = good;
	b.uart[0] = UINT64_MAX;
	refused(b, "the UART's registers cannot be where the tree says");
	b = good;
	b.uart[0] = 0x47fff000;
	refused(b, "device registers inside memory");
	b = good;
	b.gic[0] = UINT64_MAX - 0xff;
	refused(b, "the GIC's distributor cannot be where the tree says");
	b = good;
	b.gic_numbers = 2;
	refused(b, "the GIC's redistributors cannot be where the tree says");
	b.gic_version = 2;
	refused(b, "the GIC's CPU interface cannot be where the tree says");
	b = good;
	b.timer[6] = 0;
	refused(b, "the timer's interrupt is not a CPU's own");
	b.timer[6] = 1;
	b.timer[7] = UINT32_MAX;
	refused(b, "the timer's interrupt is not a CPU's own");
	b = good;
	b.cpus = 0;
	refused(b, "no CPUs");
	b = good;
	b.psci_method = "prayer";
	refused(b, "PSCI has no method");
}

static void more_cpus_than_we_have_room_for(void)
{
	struct tree_board board = tree_board_default();
	board.cpus = CPUS_MAX + 3;
	uint32_t bytes;
	uint8_t *blob = tree_board(&board, &bytes);
	struct fdt tree;
	struct platform p;
	EXPECT(fdt_open(&tree, blob, bytes) == FDT_OK && platform_read(&tree, &p) == NULL);
	EXPECT(p.cpu_count == CPUS_MAX && p.cpus_unused == 3);
	free(blob);
}

static void boot_arguments(void)
{
	const char *args = "  one two=2  three=0x1F four= five=x six=99999999999999999999 two=3 ";
	const char *text;
	size_t bytes;
	char copy[4];
	EXPECT(bootarg_is_set(args, "one") && !bootarg_is_set(args, "on"));
	EXPECT(!bootarg_is_set(args, "two") && !bootarg_is_set("", "one"));
	EXPECT(bootarg_number(args, "two", 9) == 2 && bootarg_number(args, "three", 9) == 31);
	EXPECT(bootarg_number(args, "four", 9) == 9 && bootarg_number(args, "five", 9) == 9);
	EXPECT(bootarg_number(args, "six", 9) == 9 && bootarg_number(args, "one", 9) == 9);
	EXPECT(bootarg_text(args, "four", &text, &bytes) && bytes == 0);
	EXPECT(bootarg_text(args, "five", &text, &bytes) && bytes == 1 && *text == 'x');
	EXPECT(!bootarg_text(args, "seven", &text, &bytes));
	EXPECT(bootarg_copy(args, "five", copy, 2) && copy[0] == 'x' && copy[1] == 0);
	EXPECT(!bootarg_copy(args, "three", copy, sizeof(copy)) && copy[0] == 'x');
	EXPECT(!bootarg_copy(args, "seven", copy, sizeof(copy)));
	EXPECT(bootarg_says(args, "two", "2") && bootarg_says(args, "five", "x"));
	EXPECT(!bootarg_says(args, "two", "") && !bootarg_says(args, "two", "22"));
	EXPECT(!bootarg_says(args, "four", "") && !bootarg_says(args, "one", "one"));
}

int main(void)
{
	a_board_is_read();
	what_is_held_is_not_usable();
	taking_and_returning();
	memory_in_pieces();
	address_0_is_not_usable();
	sums_do_not_wrap();
	memory_that_lies();
	reservations_and_initrds_that_lie();
	devices_that_lie();
	more_cpus_than_we_have_room_for();
	boot_arguments();
	return 0;
}
