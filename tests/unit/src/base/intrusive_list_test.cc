#include "src/base/intrusive_list.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace cppcorn {
namespace {

struct Odd;

struct Node : ListHook<>, ListHook<Odd> {
  explicit Node(char c) : name(c) {}
  char name;
};

using List = IntrusiveList<Node>;
using OddList = IntrusiveList<Node, Odd>;

template <typename L>
std::string names(L& list) {
  std::string result;
  for (Node* node = list.first(); node != nullptr; node = list.next(*node)) result += node->name;
  return result;
}

TEST(IntrusiveList, InsertsAndRemovesAtBothEnds) {
  List list;
  Node a('a'), b('b'), c('c');
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.first(), nullptr);
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  EXPECT_EQ(names(list), "abc");
  EXPECT_EQ(&list.front(), &a);
  EXPECT_EQ(&list.back(), &c);
  EXPECT_EQ(&list.pop_front(), &a);
  EXPECT_FALSE(a.ListHook<>::linked());
  c.ListHook<>::unlink();
  c.ListHook<>::unlink();
  EXPECT_EQ(names(list), "b");
}

TEST(IntrusiveList, AnElementLeavesWhenItDies) {
  List list;
  Node a('a');
  auto b = std::make_unique<Node>('b');
  list.push_back(a);
  list.push_back(*b);
  b.reset();
  EXPECT_EQ(names(list), "a");
}

TEST(IntrusiveList, ElementsOutliveTheList) {
  Node a('a');
  {
    List list;
    list.push_back(a);
  }
  EXPECT_FALSE(a.ListHook<>::linked());
}

TEST(IntrusiveList, AnElementCanBeInTwoLists) {
  List all;
  OddList odd;
  Node a('a'), b('b');
  all.push_back(a);
  all.push_back(b);
  odd.push_back(b);
  EXPECT_EQ(names(all), "ab");
  EXPECT_EQ(names(odd), "b");
  all.pop_front();
  all.pop_front();
  EXPECT_EQ(names(odd), "b");
}

TEST(IntrusiveList, SplicesToTheEnd) {
  List first, second, none;
  Node a('a'), b('b'), c('c');
  first.push_back(a);
  second.push_back(b);
  second.push_back(c);
  first.splice(second);
  first.splice(none);
  EXPECT_EQ(names(first), "abc");
  EXPECT_TRUE(second.empty());
  none.splice(first);
  EXPECT_EQ(names(none), "abc");
}

}  // namespace
}  // namespace cppcorn
