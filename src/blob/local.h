/*
 * Objects in a folder of the local file system.
 *
 *     DIR/objects/XX/b,KEY     an object; "/" of its key is written ",", XX are two digits of the key's hash
 *     DIR/tmp/RANDOM           an object that is being written; older ones are what a killed process has left
 *
 * A put writes to tmp/, flushes the file, renames it into place and flushes the folder: after a commit the object
 * survives a power cut. Files are 0600 and folders 0700. The folder may be shared by several processes of one machine.
 */
#ifndef TIRO_BLOB_LOCAL_H
#define TIRO_BLOB_LOCAL_H

#include "blob/blob.h"

/* Opens the store in `dir`, which is created where it is missing. Closed with blob_close. Errors: of mkdir(2) and
 * open(2), ERR_NO_MEMORY. */
enum err_code blob_local_open(const char *dir, struct blob_store **ret, struct err *err) MUST_CHECK;

#endif
