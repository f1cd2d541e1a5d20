/*
 * main.c -- judges a booted kernel's trace of page tables: `bazel run //tools:tlbtrace -- FILE`.
 *
 * The kernel writes down every store of an entry, publication, invalidation, wait, installation and
 * freed frame (machine/tlbtrace.h; boot argument tlbtrace=FILE).  Here the same automaton that
 * watches the host's MMU (machine/host/tlb_rules.c) is told all of it, in order, and says which
 * rules were broken: what emulation cannot show, for it forgets too much and too soon.
 *
 * One line for each broken rule, with the number of the event that broke it, and a last line with
 * the sum.  A rule that is broken does not end it: the notes are put right and it goes on.
 *
 * Not seen here: what user programs access (the trace does not tell), instruction fetches, and
 * whatever happened to the kernel's own tables before the trace began.
 *
 * Exit status: 0 no rule broken, 1 some were, 2 usage, 3 the file is no such trace or damaged.
 * Locks: none.  Cost: about 20 million events a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "machine/host/tlb_rules.h"

enum { EXIT_FINDING = 1, EXIT_USAGE = 2, EXIT_BAD_FILE = 3, BATCH = 4096 };

struct judge {
	struct tlbtrace_event event; /* the one that it is told */
	uint64_t broken;
};

static void on_broken(void *context, const char *id, const char *text)
{
	struct judge *judge = context;
	judge->broken++;
	printf("event %u, cpu %u: %s: %s\n", judge->event.number, judge->event.cpu, id, text);
}

static NORETURN void refuse(const char *name, const char *why)
{
	fprintf(stderr, "tlbtrace: %s: %s\n", name, why);
	exit(EXIT_BAD_FILE);
}

/* Why this is no trace that can be judged, or NULL. */
static const char *head_fault(const struct tlbtrace_head *head)
{
	const uint64_t most = (uint64_t)1 << 34;
	if (head->magic != TLBTRACE_MAGIC) return "not a trace of page tables";
	if (head->version != TLBTRACE_VERSION || head->event_bytes != sizeof(struct tlbtrace_event))
		return "a trace of another version";
	if (head->cpus == 0 || head->cpus > CPUS_MAX) return "damaged: so many CPUs there are not";
	if (!is_aligned(head->memory_base | head->memory_end | head->kernel_root, PAGE_SIZE) ||
	    head->memory_end <= head->memory_base || head->memory_end - head->memory_base > most)
		return "damaged: memory cannot be there";
	return NULL;
}

static const char *event_fault(const struct tlbtrace_event *event, uint64_t number, uint32_t cpus)
{
	if (event->number != (uint32_t)number) return "damaged: events are missing";
	if (event->cpu >= cpus) return "damaged: an event on a CPU that is not there";
	if (event->kind == 0 || event->kind >= TLBTRACE_KINDS)
		return "damaged: an event of no known kind";
	if (event->kind == TLBTRACE_STORE && !is_aligned(event->at, sizeof(uint64_t)))
		return "damaged: an entry that is not aligned";
	if (event->kind >= TLBTRACE_INSTALL && !is_aligned(event->at, PAGE_SIZE))
		return "damaged: a frame that is not aligned";
	return NULL;
}

/* How many bytes of [base, end) a freed range has: one that lies elsewhere is not ours. */
static void clip(struct tlbtrace_event *event, const struct tlbtrace_head *head)
{
	if (event->kind != TLBTRACE_FRAME_FREED) return;
	const uint64_t room = sub_or_zero(head->memory_end, event->at);
	event->value = event->at < head->memory_base ? 0 : min_u64(event->value, room);
}

static void judge_events(struct judge *judge, struct tlb_rules *rules,
			 const struct tlbtrace_head *head, FILE *in, const char *name)
{
	static struct tlbtrace_event batch[BATCH];
	for (uint64_t done = 0; done < head->events;) {
		const size_t want = (size_t)min_u64(BATCH, head->events - done);
		if (fread(batch, sizeof(batch[0]), want, in) != want)
			refuse(name, "cut short: fewer events than it says");
		for (size_t i = 0; i < want; i++, done++) {
			judge->event = batch[i];
			const char *fault = event_fault(&judge->event, done, head->cpus);
			if (fault != NULL) refuse(name, fault);
			clip(&judge->event, head);
			tlb_rules_event(rules, &judge->event);
		}
	}
	if (fgetc(in) != EOF) refuse(name, "damaged: more events than it says");
}

static int judge_file(const char *name)
{
	struct judge judge = { .broken = 0 };
	struct tlbtrace_head head;
	FILE *in = fopen(name, "rb");
	if (in == NULL) refuse(name, "cannot be read");
	if (fread(&head, sizeof(head), 1, in) != 1) refuse(name, "not a trace of page tables");
	const char *fault = head_fault(&head);
	if (fault != NULL) refuse(name, fault);
	struct tlb_rules *rules =
		tlb_rules_open(head.memory_base, head.memory_end - head.memory_base, NULL,
			       on_broken, &judge);
	tlb_rules_kernel(rules, head.kernel_root);
	judge_events(&judge, rules, &head, in, name);
	fclose(in);
	tlb_rules_close(rules);
	printf("%llu events, ", (unsigned long long)head.events);
	if (judge.broken == 0)
		printf("no rule broken");
	else
		printf("%llu broken rules", (unsigned long long)judge.broken);
	if (head.lost != 0) printf(" (%llu more events were lost)", (unsigned long long)head.lost);
	printf("\n");
	return judge.broken == 0 ? 0 : EXIT_FINDING;
}

int main(int argc, char **argv)
{
	const char *from = getenv("BUILD_WORKING_DIRECTORY"); /* under `bazel run` */
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: tlbtrace FILE\n");
		return EXIT_USAGE;
	}
	if (from != NULL && chdir(from) != 0) refuse(from, "cannot be entered");
	return judge_file(argv[1]);
}
