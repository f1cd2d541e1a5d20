/*
 * bss.c -- what the check of portable objects must refuse: a mutable global that starts at zero.
 */
int canary_bss(void);

static int turns;

int canary_bss(void)
{
	return ++turns;
}
