/* SPDX-License-Identifier: MIT
 * Signs with libkms_message. Arguments: method, path, seconds since 1970, region, service, access key,
 * secret key, body, then pairs of header name and value. Prints the whole signed request. */
#include <kms_message/kms_message.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char** argv) {
  if (argc < 9 || argc % 2 != 1) return 2;
  kms_message_init();
  kms_request_t* request = kms_request_new(argv[1], argv[2], NULL);
  const time_t seconds = (time_t)atoll(argv[3]);
  struct tm utc;
  gmtime_r(&seconds, &utc);
  int ok = kms_request_set_date(request, &utc) && kms_request_set_region(request, argv[4]) &&
           kms_request_set_service(request, argv[5]) && kms_request_set_access_key_id(request, argv[6]) &&
           kms_request_set_secret_key(request, argv[7]) &&
           kms_request_append_payload(request, argv[8], strlen(argv[8]));
  for (int i = 9; ok && i + 1 < argc; i += 2) ok = kms_request_add_header_field(request, argv[i], argv[i + 1]);
  char* text = ok ? kms_request_get_signed(request) : NULL;
  if (text == NULL) {
    fprintf(stderr, "%s\n", kms_request_get_error(request));
    return 1;
  }
  fputs(text, stdout);
  kms_request_free_string(text);
  kms_request_destroy(request);
  kms_message_cleanup();
  return 0;
}
