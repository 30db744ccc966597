/*
 * Headers of others that take most of the compiler's time, read once.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_PCH_HPP
#define FTCTL_PCH_HPP

#include <algorithm>
#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#endif
