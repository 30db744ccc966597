/*
 * ft-group invent INTERFACE COUNT: sends a frame from each of so many addresses,
 * one of which is a group's.
 *
 * ft-group PORT GROUP INTERFACE: joins a multicast group (IPv4 or IPv6) on that
 * interface and sends each datagram that comes to the port there back to its sender.
 * It goes on in the background; the group is left when it ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int invent(const char *interface, int count)
{
    /* Broadcast, a type for experiments. */
    unsigned char frame[60] = { 255, 255, 255, 255, 255, 255, 2, 1, 0, 0, 0, 0, 0x88, 0xb5 };
    struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(interface) };
    int s = socket(AF_PACKET, SOCK_RAW, 0);

    for (int i = 0; i < count; i++) {
        frame[6] = i == count / 2 ? 3 : 2;
        frame[10] = i >> 8;
        frame[11] = i;
        while (sendto(s, frame, sizeof(frame), 0, (void *)&to, sizeof(to)) < 0) {
            if (errno != ENOBUFS) {
                err(1, "%s", interface);
            }
            usleep(1000);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct group_req join = { 0 };
    struct sockaddr_storage all = { 0 }, from;
    struct sockaddr_in *v4 = (void *)&join.gr_group;
    struct sockaddr_in6 *v6 = (void *)&join.gr_group;
    int s, on = 1, level = IPPROTO_IP;
    char data[2048];

    if (argc == 4 && strcmp(argv[1], "invent") == 0) {
        return invent(argv[2], atoi(argv[3]));
    }
    if (argc != 4) {
        errx(2, "usage: ft-group PORT GROUP INTERFACE");
    }
    join.gr_interface = if_nametoindex(argv[3]);
    if (inet_pton(AF_INET, argv[2], &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
    } else if (inet_pton(AF_INET6, argv[2], &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        level = IPPROTO_IPV6;
    } else {
        errx(2, "%s is no address", argv[2]);
    }
    all.ss_family = join.gr_group.ss_family;
    ((struct sockaddr_in *)&all)->sin_port = htons(atoi(argv[1]));  /* at the same place */
    s = socket(all.ss_family, SOCK_DGRAM, 0);
    if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0
        || bind(s, (void *)&all, sizeof(all)) != 0
        || setsockopt(s, level, MCAST_JOIN_GROUP, &join, sizeof(join)) != 0) {
        err(1, "%s on %s", argv[2], argv[3]);
    }
    if (daemon(0, 0) != 0) {
        err(1, "daemon");
    }
    for (;;) {
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(s, data, sizeof(data), 0, (void *)&from, &len);

        if (n >= 0) {
            sendto(s, data, n, 0, (void *)&from, len);
        }
    }
}
