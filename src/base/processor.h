/* The processors of this machine. Thread-safe. */
#ifndef TIRO_BASE_PROCESSOR_H
#define TIRO_BASE_PROCESSOR_H

/* Those that this process may use (its affinity, not the machine's number), at least 1. */
int processor_count(void);

#endif
