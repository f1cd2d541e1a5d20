/*
 * tlb_rules.h -- the protocol of page tables as an automaton: it is told every event and says which
 * rule one breaks.  See tlb_rules.c.
 *
 * Nothing here touches a TLB or a table: what it knows it has from the events, so the same code
 * judges the host's MMU as it runs and a booted kernel's trace afterwards (machine/tlbtrace.h).
 */
#ifndef MACHINE_HOST_TLB_RULES_H
#define MACHINE_HOST_TLB_RULES_H

#include "machine/entry.h"
#include "machine/tlbtrace.h"

/* The rules' ids. */
#define RULE_STALE "stale-tlb"   /* something reused, or used, while its old entry may live */
#define RULE_BREAK "bbm"         /* from one valid entry to another without a break */
#define RULE_SCOPE "tlbi-scope"  /* an invalidation that misses what it is for */
#define RULE_ASID "asid-reuse"   /* an ASID for a root whose old entries may be remembered */
#define RULE_TABLE "table-early" /* a table freed, reused or overwritten while it may be walked */
#define RULE_ROOT "root-in-use"  /* a root freed while a CPU has it installed */

struct tlb_rules;

/* Called with the rule's id and what was seen.  It may not return: then nothing but
 * tlb_rules_reset() may follow. */
typedef void (*tlb_report)(void *context, const char *id, const char *text);

/*
 * For tables in [base, base + bytes), both multiples of PAGE_SIZE.  `memory` is where they can be
 * read, or NULL: then an entry is known from the first event on that tells of it.  Address space
 * for the notes is taken here, memory as it is used.
 */
struct tlb_rules *tlb_rules_open(paddr_t base, size_t bytes, const uint8_t *memory,
				 tlb_report report, void *context);
void tlb_rules_close(struct tlb_rules *r);

/* As new; costs as much as was noted since the last time. */
void tlb_rules_reset(struct tlb_rules *r);

/* --- events ----------------------------------------------------------------------------------- */

/* Any of the calls below, by its record. */
void tlb_rules_event(struct tlb_rules *r, const struct tlbtrace_event *event);

void tlb_rules_store(struct tlb_rules *r, unsigned cpu, paddr_t at, uint64_t was, uint64_t value);
void tlb_rules_sync(struct tlb_rules *r, unsigned cpu);
void tlb_rules_page(struct tlb_rules *r, unsigned cpu, uint64_t operand);
void tlb_rules_space(struct tlb_rules *r, unsigned cpu, uint32_t asid);
void tlb_rules_all(struct tlb_rules *r, unsigned cpu);
void tlb_rules_all_local(struct tlb_rules *r, unsigned cpu);
void tlb_rules_wait(struct tlb_rules *r, unsigned cpu);
void tlb_rules_install(struct tlb_rules *r, unsigned cpu, paddr_t root, uint32_t asid);
void tlb_rules_kernel(struct tlb_rules *r, paddr_t root);
void tlb_rules_freed(struct tlb_rules *r, paddr_t at, size_t bytes);

/* Whether anything is known of the frame at `pa`; false for most, and quick. */
bool tlb_rules_knows(const struct tlb_rules *r, paddr_t pa);

/* --- looking ---------------------------------------------------------------------------------- */

/* A walker on `cpu` reads `entry` at `at`, in what it takes for a table of `level`. */
void tlb_rules_walked(struct tlb_rules *r, unsigned cpu, paddr_t at, unsigned level,
		      uint64_t entry);

/* Grows whenever a table leaves its place or gets one: while it stands, so do all tables. */
uint64_t tlb_rules_places(const struct tlb_rules *r);

/* Whether the entry at `at` is, in the tree below `root`, the one of `level` for `va`. */
bool tlb_rules_leads(const struct tlb_rules *r, paddr_t root, paddr_t at, unsigned level,
		     uint64_t va);

/* Whether `cpu` may still remember an entry for `va` below `root`, of any level, that was taken
 * away, or lost a right, and whose invalidation is not over. */
bool tlb_rules_underway(const struct tlb_rules *r, unsigned cpu, paddr_t root, uint64_t va);

/* What was missing for the entry of `va` below `root` to be forgotten. */
const char *tlb_rules_missing(const struct tlb_rules *r, paddr_t root, uint64_t va);

/* NULL when nothing taken away may still be remembered and nothing stored is unpublished; else
 * what, and *id becomes RULE_SCOPE where an invalidation came but missed. */
const char *tlb_rules_settled(struct tlb_rules *r, const char **id);

#endif
