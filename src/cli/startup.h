/*
 * What the process needs before a command runs, and what it owes after it.
 */
#ifndef TIRO_CLI_STARTUP_H
#define TIRO_CLI_STARTUP_H

/* Makes descriptors, signals and limits what the rest of the program takes for granted. Call first. */
void startup_prepare(void);

/*
 * Writes out what standard output still holds. Returns `status`, or where that cannot be written and the status
 * was good, EX_IOERR after an error line. Does not return where the reader of a pipe went away: the process then ends
 * as programs do that never heard of it.
 */
int startup_finish(int status);

/* Ends the process by SIGPIPE. */
void startup_end_by_pipe(void);

#endif
