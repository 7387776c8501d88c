#pragma once
/* One mail over SMTP, by libcurl. Blocks; safe from any thread, each call has a handle of its own. */
#include <stddef.h>

#include "git.h"

enum needletail_smtp_security {
    NEEDLETAIL_SMTP_PLAIN = 0,
    NEEDLETAIL_SMTP_STARTTLS = 1, /* refuses to go on without TLS */
    NEEDLETAIL_SMTPS = 2,
};

struct needletail_smtp {
    const char *host;
    int port;
    int security;
    const char *username; /* NULL for none */
    const char *password;
    const char *proxy; /* NULL for none; host:port of an HTTP proxy */
    const char *proxy_credentials; /* NULL for none; user:password */
    long timeout_ms;
    const char *sender; /* without angle brackets */
    const char *recipient;
    const char *message; /* headers and body, CRLF line ends */
    size_t message_length;
};

/* 0, or a code of libcurl with its text in `error`. */
int needletail_smtp_send(const struct needletail_smtp *mail, char *error, size_t error_size);
