/* A Modbus peer on libmodbus, for tests and benchmarks: a server that counts writes, and a client.
 *
 *   libmodbus_peer server tcp PORT           prints "PORT n"; input registers 0 and 1 count writes
 *   libmodbus_peer server rtu DEVICE         prints "READY"
 *   libmodbus_peer client PORT               prints what it read and wrote, one fact a line
 *   libmodbus_peer bench PORT N REGISTERS K  N reads in turns over K connections; prints seconds
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

enum { ENTRIES = 10000, CONNECTIONS_MAX = 64 };

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, modbus_strerror(errno));
    return 1;
}

static int is_write(int function) {
    return function == 5 || function == 6 || function == 15 || function == 16 || function == 22 || function == 23;
}

/* Answer one request; return -1 where the connection has ended. */
static int serve_one(modbus_t *peer, modbus_mapping_t *map, int header) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int length = modbus_receive(peer, query);
    if (length < 0)
        return -1;
    if (length > 0) {
        if (is_write(query[header]) && ++map->tab_input_registers[1] == 0)
            map->tab_input_registers[0]++;
        modbus_reply(peer, query, length, map);
    }
    return 0;
}

static int serve_tcp(modbus_mapping_t *map, int port) {
    modbus_t *peer = modbus_new_tcp("127.0.0.1", port);
    int listener = modbus_tcp_listen(peer, CONNECTIONS_MAX);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    fd_set all, ready;
    if (listener < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0)
        return fail("listen");
    printf("PORT %d\n", ntohs(address.sin_port));
    fflush(stdout);
    FD_ZERO(&all);
    FD_SET(listener, &all);
    for (int greatest = listener;;) {
        ready = all;
        if (select(greatest + 1, &ready, NULL, NULL, NULL) < 0)
            return fail("select");
        for (int file = 0; file <= greatest; file++) {
            if (!FD_ISSET(file, &ready))
                continue;
            if (file == listener) {
                int taken = listener;
                modbus_tcp_accept(peer, &taken);
                taken = modbus_get_socket(peer);
                FD_SET(taken, &all);
                greatest = taken > greatest ? taken : greatest;
                continue;
            }
            modbus_set_socket(peer, file);
            if (serve_one(peer, map, modbus_get_header_length(peer)) < 0) {
                close(file);
                FD_CLR(file, &all);
            }
        }
    }
}

static int serve_rtu(modbus_mapping_t *map, const char *device) {
    modbus_t *peer = modbus_new_rtu(device, 115200, 'N', 8, 1);
    modbus_set_slave(peer, 1);
    if (modbus_connect(peer) < 0)
        return fail(device);
    printf("READY\n");
    fflush(stdout);
    for (;;)
        serve_one(peer, map, modbus_get_header_length(peer));
}

static int serve(const char *kind, const char *place) {
    modbus_mapping_t *map = modbus_mapping_new(ENTRIES, ENTRIES, ENTRIES, ENTRIES);
    for (int entry = 0; entry < ENTRIES; entry++) {
        map->tab_registers[entry] = entry;
        map->tab_bits[entry] = entry % 3 == 0;
        map->tab_input_bits[entry] = entry % 5 == 0;
        map->tab_input_registers[entry] = entry < 2 ? 0 : 2 * entry;
    }
    return strcmp(kind, "rtu") ? serve_tcp(map, atoi(place)) : serve_rtu(map, place);
}

static modbus_t *connected(int port) {
    modbus_t *peer = modbus_new_tcp("127.0.0.1", port);
    modbus_set_slave(peer, 1);
    if (modbus_connect(peer) < 0)
        exit(fail("connect"));
    return peer;
}

static int ask(int port) {
    modbus_t *peer = connected(port);
    uint16_t words[125];
    uint8_t bits[2000];
    int count = modbus_read_registers(peer, 0, 4, words);
    printf("holding %d:", count);
    for (int place = 0; place < count; place++)
        printf(" %u", words[place]);
    count = modbus_read_input_registers(peer, 0, 2, words);
    printf("\ninput %d:", count);
    for (int place = 0; place < count; place++)
        printf(" %u", words[place]);
    count = modbus_read_bits(peer, 0, 10, bits);
    printf("\ncoils %d:", count);
    for (int place = 0; place < count; place++)
        printf(" %u", bits[place]);
    count = modbus_read_input_bits(peer, 0, 3, bits);
    printf("\ndiscretes %d:", count);
    for (int place = 0; place < count; place++)
        printf(" %u", bits[place]);
    count = modbus_read_registers(peer, 60000, 1, words);
    printf("\nmissing %d: %s\n", count, modbus_strerror(errno));
    modbus_close(peer);
    return 0;
}

static int bench(int port, long requests, int registers, int connections) {
    modbus_t *peers[CONNECTIONS_MAX];
    uint16_t words[125];
    struct timespec begin, end;
    for (int number = 0; number < connections; number++)
        peers[number] = connected(port);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long number = 0; number < requests; number++)
        if (modbus_read_registers(peers[number % connections], 0, registers, words) != registers)
            return fail("read");
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.6f\n", (end.tv_sec - begin.tv_sec) + (end.tv_nsec - begin.tv_nsec) / 1e9);
    return 0;
}

int main(int count, char **words) {
    if (count == 4 && !strcmp(words[1], "server"))
        return serve(words[2], words[3]);
    if (count == 3 && !strcmp(words[1], "client"))
        return ask(atoi(words[2]));
    if (count == 6 && !strcmp(words[1], "bench"))
        return bench(atoi(words[2]), atol(words[3]), atoi(words[4]), atoi(words[5]));
    fprintf(stderr, "usage: libmodbus_peer server|client|bench ...\n");
    return 2;
}
