/*
 * Objects in memory: for tests, and for what ends with the process. Calls never wait but for each other.
 */
#ifndef TIRO_BLOB_MEMORY_H
#define TIRO_BLOB_MEMORY_H

#include "blob/blob.h"

/* An empty store that may hold `max_bytes` in all, unfinished puts included; more is ERR_NO_SPACE. Closed with
 * blob_close. Errors: ERR_NO_MEMORY. */
enum err_code blob_memory_open(uint64_t max_bytes, struct blob_store **ret, struct err *err) MUST_CHECK;

#endif
