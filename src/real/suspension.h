#pragma once

#include <exception>
#include <functional>

#include "base/task.h"

namespace certferry {

// What continues a suspended coroutine: call it once, from any thread; the coroutine goes on later, on its own
// executor. Move the exception in, so that its last owner is the coroutine, which reads it, and not the thread that
// threw it. Dropping it uncalled abandons the coroutine: its frames unwind later, through its executor, so they may not
// refer to what dropped it.
using Resume = std::move_only_function<void(std::exception_ptr)>;

// Suspends the caller until the Resume given to `start` is called; its exception, where there is one, is thrown.
// `start` must not throw. `on_cancel` runs on the caller's executor when the coroutine is cancelled, and sees to it
// that the Resume is called (with cancelled(), or with the outcome that can no longer be kept off); it may come after
// the Resume was called, and does nothing then. Without one, a cancellation waits for the outcome.
Task<> suspended(std::function<void(Resume)> start, std::function<void()> on_cancel = {});

// What a cancelled operation throws.
std::exception_ptr cancelled();

}  // namespace certferry
