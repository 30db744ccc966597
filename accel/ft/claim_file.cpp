/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/claim_file.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace ft {
namespace {

class Fd {
  public:
    explicit Fd(int fd) : fd_(fd) {}
    Fd(const Fd &) = delete;
    Fd &operator=(const Fd &) = delete;
    ~Fd() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    int get() const { return fd_; }

  private:
    int fd_;
};

std::unexpected<Error> fail_errno(const char *what, const std::string &path, int error) {
    return fail("%s %s: %s", what, path.c_str(), strerror(error));
}

std::string hex(Uuid id) {
    static const char digits[] = "0123456789abcdef";
    std::string s;

    for (uint8_t byte : id) {
        s += digits[byte >> 4];
        s += digits[byte & 15];
    }
    return s;
}

/* 8-4-4-4-12, as operators know their machines. */
std::string uuid_text(Uuid id) {
    std::string s = hex(id);

    for (size_t at : {20, 16, 12, 8}) {
        s.insert(at, "-");
    }
    return s;
}

std::string file_prefix(Uuid vm) {
    return "ft-" + uuid_text(vm) + "-";
}

bool is_node_id(std::string_view s) {
    return s.size() == size_t{2} * FT_UUID_BYTES &&
           s.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Status sync_directory(const std::string &dir) {
    Fd fd(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));

    if (fd.get() < 0 || fsync(fd.get()) != 0) {
        return fail_errno("cannot sync arbiter directory", dir, errno);
    }
    return {};
}

/* The id of the node that holds the epoch, or nothing if nobody does. */
Result<std::optional<std::string>> read_holder(const std::string &path) {
    char text[2 * FT_UUID_BYTES + 2];
    Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));

    if (fd.get() < 0) {
        if (errno == ENOENT) {
            return std::nullopt;
        }
        return fail_errno("cannot open", path, errno);
    }
    const ssize_t n = read(fd.get(), text, sizeof(text));
    if (n < 0) {
        return fail_errno("cannot read", path, errno);
    }
    const std::string_view all(text, static_cast<size_t>(n));
    if (!all.ends_with('\n') || !is_node_id(all.substr(0, all.size() - 1))) {
        return fail("%s does not hold a node id; remove it only if no node of this VM runs",
                    path.c_str());
    }
    return std::string(all.substr(0, all.size() - 1));
}

/* The directory is synced on every "won", also on one that an earlier call
 * may have been unable to report: a win that a crash of the storage can undo
 * is no win. */
Result<FtClaim> judge(const std::string &dir, const std::string &holder,
                      const std::string &node) {
    if (holder != node) {
        return FT_CLAIM_LOST;
    }
    if (Status s = sync_directory(dir); !s) {
        return std::unexpected(s.error());
    }
    return FT_CLAIM_WON;
}

Status write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail("%s", strerror(errno));
        }
        text.remove_prefix(static_cast<size_t>(n));
    }
    return {};
}

/* Unique: the node id is random for each process, and the count numbers the calls within
 * it. A file that a crashed process has left does no harm. */
std::string temp_name(const std::string &dir, const std::string &node) {
    static std::atomic<unsigned> count;
    return dir + "/.ft-" + node + "-" + std::to_string(count++) + ".tmp";
}

Status write_temp(const std::string &path, const std::string &node) {
    /* Readable by the other node, which may run as another user. */
    Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));

    if (fd.get() < 0) {
        return fail_errno("cannot create", path, errno);
    }
    if (Status s = write_all(fd.get(), node + "\n"); !s) {
        return fail("cannot write %s: %s", path.c_str(), s.error().text.c_str());
    }
    if (fsync(fd.get()) != 0) {
        return fail_errno("cannot sync", path, errno);
    }
    return {};
}

/* The file to which each claim of this process is a hard link; see reserve_claim(). */
std::string reserve_name(const std::string &dir, const std::string &node) {
    return dir + "/.ft-" + node + ".claim";
}

/* link(2) is the test-and-set. Whatever it returns, the name is what counts:
 * NFS may answer a repeated request with EEXIST although the first one made
 * the link, or time out after making it. */
Status link_temp(const std::string &dir, const std::string &path, const std::string &node) {
    const std::string temp = temp_name(dir, node);
    const std::string reserve = reserve_name(dir, node);

    if (link(reserve.c_str(), path.c_str()) == 0 || errno == EEXIST) {
        return {};
    }
    /* Some file systems count a name as a file (tmpfs), and have no more: the reserve
     * itself becomes the claim, if nobody was first. NFS cannot do that. */
    if ((errno == ENOSPC || errno == EDQUOT) &&
        (renameat2(AT_FDCWD, reserve.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) ==
             0 ||
         errno == EEXIST)) {
        return {};
    }
    /* The reserved file is gone, or was never made. */
    if (Status s = write_temp(temp, node); !s) {
        unlink(temp.c_str());
        return s;
    }
    const int error = link(temp.c_str(), path.c_str()) == 0 ? 0 : errno;
    unlink(temp.c_str());
    if (error && error != EEXIST) {
        return fail_errno("cannot link", path, error);
    }
    return {};
}

} // namespace

Status reserve_claim(const std::string &dir, Uuid node_id) {
    const std::string node = hex(node_id);
    const std::string path = reserve_name(dir, node);

    unlink(path.c_str());
    if (Status s = write_temp(path, node); !s) {
        unlink(path.c_str());
        return s;
    }
    return sync_directory(dir);
}

void drop_reserve(const std::string &dir, Uuid node_id) {
    unlink(reserve_name(dir, hex(node_id)).c_str());
}

Result<FtClaim> claim_file(const std::string &dir, Uuid vm, uint64_t epoch, Uuid node_id) {
    const std::string node = hex(node_id);
    const std::string path = dir + "/" + file_prefix(vm) + std::to_string(epoch);

    auto holder = read_holder(path);
    if (!holder) {
        return std::unexpected(holder.error());
    }
    if (*holder) {
        return judge(dir, **holder, node);
    }
    const Status linked = link_temp(dir, path, node);
    holder = read_holder(path);
    if (!holder) {
        return std::unexpected(holder.error());
    }
    if (*holder) {
        return judge(dir, **holder, node);
    }
    if (!linked) {
        return std::unexpected(linked.error());
    }
    return fail("%s vanished after it was made", path.c_str());
}

Result<uint64_t> last_claimed_epoch(const std::string &dir, Uuid vm) {
    const std::string prefix = file_prefix(vm);
    const std::unique_ptr<DIR, int (*)(DIR *)> d(opendir(dir.c_str()), closedir);
    uint64_t last = 0;

    if (!d) {
        return fail_errno("cannot read arbiter directory", dir, errno);
    }
    for (errno = 0; const dirent *entry = readdir(d.get()); errno = 0) {
        const std::string_view name = entry->d_name;
        uint64_t epoch = 0;
        if (!name.starts_with(prefix)) {
            continue;
        }
        const auto end = name.data() + name.size();
        const auto parsed = std::from_chars(name.data() + prefix.size(), end, epoch);
        if (parsed.ec == std::errc() && parsed.ptr == end) {
            last = std::max(last, epoch);
        }
    }
    if (errno) {
        return fail_errno("cannot read arbiter directory", dir, errno);
    }
    return last;
}

} // namespace ft
