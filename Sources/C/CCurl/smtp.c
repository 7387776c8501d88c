#include "CCurl.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <pthread.h>

struct source {
    const char *bytes;
    size_t left;
};

static size_t read_message(char *buffer, size_t size, size_t count, void *context) {
    struct source *source = context;
    size_t length = size * count < source->left ? size * count : source->left;
    memcpy(buffer, source->bytes, length);
    source->bytes += length;
    source->left -= length;
    return length;
}

static void initialise(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

int needletail_smtp_send(const struct needletail_smtp *mail, char *error, size_t error_size) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise);
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        snprintf(error, error_size, "out of memory");
        return CURLE_OUT_OF_MEMORY;
    }
    char detail[CURL_ERROR_SIZE] = "";
    char url[512], sender[512], recipient[512];
    snprintf(url, sizeof url, "%s://%s:%d", mail->security == NEEDLETAIL_SMTPS ? "smtps" : "smtp", mail->host, mail->port);
    snprintf(sender, sizeof sender, "<%s>", mail->sender);
    snprintf(recipient, sizeof recipient, "<%s>", mail->recipient);
    struct curl_slist *recipients = curl_slist_append(NULL, recipient);
    struct source source = {mail->message, mail->message_length};

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    if (mail->security == NEEDLETAIL_SMTP_STARTTLS) curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    if (mail->username != NULL) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, mail->username);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, mail->password != NULL ? mail->password : "");
    }
    if (mail->proxy != NULL) {
        curl_easy_setopt(curl, CURLOPT_PROXY, mail->proxy);
        curl_easy_setopt(curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
        if (mail->proxy_credentials != NULL) curl_easy_setopt(curl, CURLOPT_PROXYUSERPWD, mail->proxy_credentials);
    } else {
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    }
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, sender);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_message);
    curl_easy_setopt(curl, CURLOPT_READDATA, &source);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, mail->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);

    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) snprintf(error, error_size, "%s", detail[0] != 0 ? detail : curl_easy_strerror(code));
    curl_slist_free_all(recipients);
    curl_easy_cleanup(curl);
    return (int)code;
}
