#define _GNU_SOURCE 1
#include "page.h"

#include <sys/mman.h>
#include <unistd.h>

needletail_worker_page *needletail_worker_page_create(int *descriptor) {
    int fd = memfd_create("needletail-worker", MFD_CLOEXEC);
    if (fd < 0) return NULL;
    if (ftruncate(fd, sizeof(needletail_worker_page)) != 0) {
        close(fd);
        return NULL;
    }
    needletail_worker_page *page = needletail_worker_page_map(fd);
    if (page == NULL) {
        close(fd);
        return NULL;
    }
    *descriptor = fd;
    return page;
}

needletail_worker_page *needletail_worker_page_map(int descriptor) {
    void *page =
        mmap(NULL, sizeof(needletail_worker_page), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    return page == MAP_FAILED ? NULL : page;
}

void needletail_worker_page_unmap(needletail_worker_page *page) {
    munmap(page, sizeof *page);
}

uint64_t needletail_worker_page_current(const needletail_worker_page *page) {
    return atomic_load_explicit(&page->current, memory_order_acquire);
}
