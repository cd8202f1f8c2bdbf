#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/task.h"

namespace certferry {

// Questions about single things that are asked side by side, and travel together: one request after the other, each
// with all that wait, up to `most`. What is asked while a request is on its way waits for the next one, so that no
// answer is older than its question. Whoever asks alone is asked about at once.
template <class Name, class Found>
class DescribeQueue {
 public:
  using One = std::function<Task<std::optional<Found>>(Name)>;                 // empty: there is none
  using Several = std::function<Task<std::vector<Found>>(std::vector<Name>)>;  // fails where one cannot be told of
  // called: what each that is found is called.
  DescribeQueue(std::size_t most, One one, Several several, Name Found::* called)
      : most_(most), one_(std::move(one)), several_(std::move(several)), called_(called) {}
  DescribeQueue(const DescribeQueue&) = delete;
  // What `one` says, its failures too.
  Task<std::optional<Found>> ask(Name name);

 private:
  // Answered, or failed, or neither: then whoever asks it does so alone.
  struct Question {
    Name name;
    bool done = false;
    std::optional<std::optional<Found>> answer = {};
    std::exception_ptr failed = {};
  };
  using Questions = std::vector<std::shared_ptr<Question>>;

  Task<> describe();
  Task<> all_asked();
  Questions next() const;
  void fail_all(Questions& done, const std::exception_ptr& failed);
  Task<> answer(const Questions& questions);

  std::size_t most_;
  One one_;
  Several several_;
  Name Found::* called_;
  Turn turn_;
  std::vector<std::weak_ptr<Question>> waiting_;  // gone: whoever asked it was cancelled
};

template <class Name, class Found>
Task<std::optional<Found>> DescribeQueue<Name, Found>::ask(Name name) {
  const auto mine = std::make_shared<Question>(Question{std::move(name)});
  waiting_.push_back(mine);
  {
    const Turn::Held held = co_await turn_.take();
    if (!mine->done) co_await describe();
  }
  if (mine->failed) std::rethrow_exception(mine->failed);
  if (mine->answer) co_return *mine->answer;
  co_return co_await one_(mine->name);
}

// One request. Where it is refused, each of several is asked about alone, for it may be another's fault, and the words
// are then its own. Where the service fails or throttles, it fails for all that wait: each would only wait for the
// same.
template <class Name, class Found>
Task<> DescribeQueue<Name, Found>::describe() {
  co_await all_asked();
  Questions done = next();
  try {
    co_await answer(done);
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) fail_all(done, std::current_exception());
  }
  for (const auto& question : done) question->done = true;
  std::erase_if(waiting_, [](const auto& question) { return question.expired() || question.lock()->done; });
}

// `done`, and all that wait, which are done with it.
template <class Name, class Found>
void DescribeQueue<Name, Found>::fail_all(Questions& done, const std::exception_ptr& failed) {
  for (const auto& question : waiting_)
    if (const auto living = question.lock(); living && std::ranges::find(done, living) == done.end())
      done.push_back(living);
  for (const auto& question : done) question->failed = failed;
}

// Works that are begun side by side ask one after the other, as each one's coroutine has its turn: as long as more of
// them come, they are let go first.
template <class Name, class Found>
Task<> DescribeQueue<Name, Found>::all_asked() {
  for (std::size_t before = 0; before < waiting_.size();) {
    before = waiting_.size();
    co_await all_settled({});  // whatever can go on now goes first
  }
}

// Those that were asked first, with no more names than go into one request.
template <class Name, class Found>
typename DescribeQueue<Name, Found>::Questions DescribeQueue<Name, Found>::next() const {
  Questions questions;
  std::vector<Name> names;
  for (const auto& question : waiting_) {
    const auto living = question.lock();
    if (!living) continue;
    const bool another = std::ranges::find(names, living->name) == names.end();
    if (another && names.size() == most_) break;
    if (another) names.push_back(living->name);
    questions.push_back(living);
  }
  return questions;
}

template <class Name, class Found>
Task<> DescribeQueue<Name, Found>::answer(const Questions& questions) {
  std::vector<Name> names;
  for (const auto& question : questions)
    if (std::ranges::find(names, question->name) == names.end()) names.push_back(question->name);
  if (names.size() == 1) {
    std::optional<Found> found;
    std::exception_ptr failed;
    try {
      found = co_await one_(names.front());
    } catch (const Failure&) {
      failed = std::current_exception();
    }
    for (const auto& question : questions) {
      question->failed = failed;
      if (!failed) question->answer = found;
    }
    if (failed) std::rethrow_exception(failed);
    co_return;
  }
  const std::vector<Found> found = co_await several_(names);
  for (const auto& question : questions)
    if (const auto one = std::ranges::find(found, question->name, called_); one != found.end())
      question->answer.emplace(*one);
}

}  // namespace certferry
