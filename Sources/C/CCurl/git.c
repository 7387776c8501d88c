#include "git.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* The beginning of an answer: "001e# service=git-upload-pack\n". */
struct beginning {
    char bytes[64];
    size_t length;
    size_t wanted;
};

/* Takes what is wanted and ends the transfer: the list of references may be long. */
static size_t take(char *data, size_t size, size_t count, void *context) {
    struct beginning *beginning = context;
    size_t length = size * count, room = beginning->wanted - beginning->length;
    memcpy(beginning->bytes + beginning->length, data, length < room ? length : room);
    beginning->length += length < room ? length : room;
    return beginning->length == beginning->wanted ? 0 : length;
}

static bool is_public_v4(uint32_t address) {
    static const struct { uint32_t network; int bits; } others[] = {
        {0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16}, {0xAC100000, 12},
        {0xC0000000, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xE0000000, 3},
    };
    for (size_t index = 0; index < sizeof others / sizeof *others; index++) {
        if (address >> (32 - others[index].bits) == others[index].network >> (32 - others[index].bits)) return false;
    }
    return true;
}

static bool is_public(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) return is_public_v4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    if (address->sa_family != AF_INET6) return false;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(six)) {
        uint32_t four;
        memcpy(&four, six->s6_addr + 12, sizeof four);
        return is_public_v4(ntohl(four));
    }
    /* 2000::/3 is what is routed; NAT64, 6to4 and Teredo lead to addresses of IPv4, wherever these are. */
    bool is_global = (six->s6_addr[0] & 0xE0) == 0x20, is_6to4 = six->s6_addr[0] == 0x20 && six->s6_addr[1] == 0x02;
    bool is_teredo = six->s6_addr[0] == 0x20 && six->s6_addr[1] == 0x01 && six->s6_addr[2] == 0 && six->s6_addr[3] == 0;
    return is_global && !is_6to4 && !is_teredo;
}

/* Every connection is judged by the address that it would have, redirected ones too. */
static curl_socket_t open_public(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)purpose;
    if (!is_public(&address->addr)) {
        *(bool *)context = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void initialise(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

int needletail_git_reach(const struct needletail_git *git, long *status, char *error, size_t error_size) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise);
    *status = 0;
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        snprintf(error, error_size, "out of memory");
        return NEEDLETAIL_GIT_FAILED;
    }
    char detail[CURL_ERROR_SIZE] = "", expected[64];
    struct beginning beginning = {.length = 0};
    bool is_forbidden = false;
    int length = snprintf(expected, sizeof expected, "%04zx# service=%s\n", strlen(git->service) + 15, git->service);
    beginning.wanted = (size_t)length;

    curl_easy_setopt(curl, CURLOPT_URL, git->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 3L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "git/2.39 (needletail)");
    if (git->username != NULL || git->password != NULL) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, git->username != NULL ? git->username : "");
        curl_easy_setopt(curl, CURLOPT_PASSWORD, git->password != NULL ? git->password : "");
    }
    if (git->only_public) {
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_public);
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &is_forbidden);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &beginning);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, git->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);

    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_easy_cleanup(curl);
    bool is_answered = code == CURLE_OK || (code == CURLE_WRITE_ERROR && beginning.length == beginning.wanted);
    if (is_forbidden && !is_answered) return NEEDLETAIL_GIT_FORBIDDEN;
    if (!is_answered) {
        snprintf(error, error_size, "%s", detail[0] != 0 ? detail : curl_easy_strerror(code));
        return NEEDLETAIL_GIT_FAILED;
    }
    if (*status != 200) return NEEDLETAIL_GIT_STATUS;
    bool is_git = beginning.length == beginning.wanted && memcmp(beginning.bytes, expected, beginning.wanted) == 0;
    return is_git ? NEEDLETAIL_GIT_REACHED : NEEDLETAIL_GIT_NO_REPOSITORY;
}
