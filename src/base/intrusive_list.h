// A doubly linked list whose links live in the elements: O(1) insertion and removal, no allocation.
// The list never owns its elements; an element leaves its list when it is destroyed. An object that
// is in several lists inherits one ListHook per list, told apart by Tag.
#pragma once

#include "src/base/assert.h"

namespace cppcorn {

template <typename Tag = void>
class ListHook {
 public:
  ListHook() noexcept = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  bool linked() const noexcept { return next_ != nullptr; }
  void unlink() noexcept {
    if (next_ == nullptr) return;
    next_->prev_ = prev_;
    prev_->next_ = next_;
    next_ = prev_ = nullptr;
  }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;
  ListHook* next_ = nullptr;
  ListHook* prev_ = nullptr;
};

template <typename T, typename Tag = void>
class IntrusiveList {
 public:
  using Hook = ListHook<Tag>;

  IntrusiveList() noexcept { head_.next_ = head_.prev_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) head_.next_->unlink();
    head_.next_ = head_.prev_ = nullptr;
  }

  bool empty() const noexcept { return head_.next_ == &head_; }
  T& front() noexcept { return *as_element(head_.next_); }
  T& back() noexcept { return *as_element(head_.prev_); }
  void push_back(T& element) noexcept { insert(head_.prev_, element); }
  void push_front(T& element) noexcept { insert(&head_, element); }
  T& pop_front() noexcept {
    T& element = front();
    static_cast<Hook&>(element).unlink();
    return element;
  }
  // The element after this one, or nullptr at the end. Safe to take before the element is unlinked.
  T* next(T& element) noexcept {
    Hook* hook = static_cast<Hook&>(element).next_;
    return hook == &head_ ? nullptr : as_element(hook);
  }
  T* first() noexcept { return empty() ? nullptr : &front(); }
  // Moves all elements of other to the end of this list.
  void splice(IntrusiveList& other) noexcept {
    if (other.empty()) return;
    Hook* first = other.head_.next_;
    Hook* last = other.head_.prev_;
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
    other.head_.next_ = other.head_.prev_ = &other.head_;
  }

 private:
  static T* as_element(Hook* hook) noexcept { return static_cast<T*>(hook); }
  void insert(Hook* after, T& element) noexcept {
    Hook& hook = static_cast<Hook&>(element);
    CPPCORN_DCHECK(!hook.linked());
    hook.prev_ = after;
    hook.next_ = after->next_;
    after->next_->prev_ = &hook;
    after->next_ = &hook;
  }

  Hook head_;
};

}  // namespace cppcorn
