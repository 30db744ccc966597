/*
 * The arbiter's specs and its C border; the file backend is claim_file.cpp.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "accel/ft/arbiter.hpp"
#include "accel/ft/claim_file.hpp"

#include <cerrno>
#include <cstring>
#include <exception>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

namespace ft {

Result<std::string> arbiter_directory(const char *spec) {
    constexpr std::string_view file = "file:";
    const std::string_view s = spec ? spec : "";

    if (s == "none") {
        return std::string();
    }
    if (!s.starts_with(file)) {
        return fail("arbiter '%s': neither none nor file:DIR", spec ? spec : "");
    }
    if (s.size() == file.size() || s[file.size()] != '/') {
        return fail("arbiter '%s': DIR has to be an absolute path", spec);
    }
    return std::string(s.substr(file.size()));
}

} // namespace ft

/* THREAD: main, at start-up (it asks the file system). OWNERSHIP: none. */
bool ftc_arbiter_check_spec(const char *spec, FtError *err) noexcept {
    try {
        struct stat st;
        const auto dir = ft::arbiter_directory(spec);

        if (!dir) {
            return ft::give(err, dir.error());
        }
        if (dir->empty()) {
            return true;
        }
        if (stat(dir->c_str(), &st) != 0) {
            return ft::give(err, "arbiter directory " + *dir + ": " + strerror(errno));
        }
        if (!S_ISDIR(st.st_mode)) {
            return ft::give(err, "arbiter directory " + *dir + ": not a directory");
        }
        if (access(dir->c_str(), R_OK | W_OK | X_OK) != 0) {
            return ft::give(err, "arbiter directory " + *dir + ": " + strerror(errno));
        }
        return true;
    } catch (const std::exception &e) {
        return ft::give(err, e.what());
    }
}

/* THREAD: main, at start-up (it writes to the disk). OWNERSHIP: none. */
bool ftc_arbiter_reserve(const char *spec, const uint8_t node_id[FT_UUID_BYTES],
                         FtError *err) noexcept {
    return ft::guarded(err, [&]() -> ft::Status {
        const auto dir = ft::arbiter_directory(spec);

        if (!dir) {
            return std::unexpected(dir.error());
        }
        return dir->empty() ? ft::Status{}
                            : ft::reserve_claim(*dir, ft::Uuid(node_id, FT_UUID_BYTES));
    });
}

/* THREAD: main, at the end of the process. OWNERSHIP: none. */
void ftc_arbiter_unreserve(const char *spec,
                           const uint8_t node_id[FT_UUID_BYTES]) noexcept {
    FtError ignored{};
    ft::guarded(&ignored, [&]() -> ft::Status {
        const auto dir = ft::arbiter_directory(spec);

        if (dir && !dir->empty()) {
            ft::drop_reserve(*dir, ft::Uuid(node_id, FT_UUID_BYTES));
        }
        return {};
    });
}

/* THREAD: one of its own, it blocks on the disk; no lock held. OWNERSHIP: none. */
FtClaim ftc_arbiter_claim(const char *spec, const uint8_t vm_uuid[FT_UUID_BYTES],
                          uint64_t epoch, const uint8_t node_id[FT_UUID_BYTES],
                          FtError *err) noexcept {
    try {
        const auto dir = ft::arbiter_directory(spec);

        if (!dir) {
            ft::give(err, dir.error());
            return FT_CLAIM_UNREACHABLE;
        }
        if (dir->empty()) {
            return FT_CLAIM_WON;
        }
        const auto claim = ft::claim_file(*dir, ft::Uuid(vm_uuid, FT_UUID_BYTES), epoch,
                                          ft::Uuid(node_id, FT_UUID_BYTES));
        if (!claim) {
            ft::give(err, claim.error());
            return FT_CLAIM_UNREACHABLE;
        }
        return *claim;
    } catch (const std::exception &e) {
        ft::give(err, e.what());
        return FT_CLAIM_UNREACHABLE;
    }
}

/* THREAD: main at start-up, or one of its own; blocks on the disk. OWNERSHIP: none. */
bool ftc_arbiter_last_epoch(const char *spec, const uint8_t vm_uuid[FT_UUID_BYTES],
                            uint64_t *epoch, FtError *err) noexcept {
    try {
        const auto dir = ft::arbiter_directory(spec);

        if (!dir) {
            return ft::give(err, dir.error());
        }
        if (dir->empty()) {
            *epoch = 0;
            return true;
        }
        const auto last = ft::last_claimed_epoch(*dir, ft::Uuid(vm_uuid, FT_UUID_BYTES));
        if (!last) {
            return ft::give(err, last.error());
        }
        *epoch = *last;
        return true;
    } catch (const std::exception &e) {
        return ft::give(err, e.what());
    }
}
