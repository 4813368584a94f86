/*
 * Where OpenVINO's library lies.
 */
#ifndef TIRO_CLI_OPENVINO_H
#define TIRO_CLI_OPENVINO_H

/* As the user says; else where it was installed or built with; else NULL: where the loader looks. */
const char *openvino_folder(const char *named);

#endif
