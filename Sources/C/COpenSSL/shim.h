#pragma once
#include <string.h>
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/pem.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>

/* Macros and stacks, which Swift cannot call. */

/* Modes and options of every stream over a non-blocking socket. */
static inline void needletail_ssl_context_configure(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
}

static inline void needletail_ssl_context_disable_tickets(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
}

static inline int needletail_ssl_context_set_minimum_version(SSL_CTX *context, int version) {
    return SSL_CTX_set_min_proto_version(context, version);
}

/* Takes ownership of `certificate` when it returns 1. */
static inline int needletail_ssl_context_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add0_chain_cert(context, certificate);
}

static inline int needletail_ssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

static inline int needletail_x509_count(const STACK_OF(X509) *stack) {
    return stack == NULL ? 0 : sk_X509_num(stack);
}

static inline X509 *needletail_x509_at(const STACK_OF(X509) *stack, int index) {
    return sk_X509_value(stack, index);
}

static inline int needletail_pem_password(char *buffer, int size, int writing, void *password) {
    (void)writing;
    /* Without a password the library would ask on the terminal. */
    size_t length = password == NULL ? 0 : strlen((const char *)password);
    if (length == 0 || length > (size_t)size) {
        return -1;
    }
    memcpy(buffer, password, length);
    return (int)length;
}

/* The private key in a PEM file; NULL and the error queue on failure. */
static inline EVP_PKEY *needletail_pem_private_key(BIO *bio, const char *password) {
    return PEM_read_bio_PrivateKey(bio, NULL, needletail_pem_password, (void *)password);
}

static inline int needletail_is_end_of_pem(unsigned long error) {
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}
