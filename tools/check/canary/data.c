/*
 * data.c -- what the check of portable objects must refuse: a mutable global with a value.
 */
int canary_data(void);

static int turns = 7;

int canary_data(void)
{
	return ++turns;
}
