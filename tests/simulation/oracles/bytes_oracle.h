#pragma once

#include "complain.h"
#include "stored_value.h"

namespace certferry::simulation {

// Of everything stored, any prefix of its bytes is read or refused cleanly by the product: by a Failure that a person
// must look at, and nothing else. After every write one prefix is tried, fewer or many where asked for.
class BytesOracle {
 public:
  explicit BytesOracle(Complain complain) : complain_(std::move(complain)) {}
  void changed(const StoredChange& change);
  void cut_every(std::size_t octets) { step_ = octets; }     // beginning elsewhere with every write
  void cut_one_in(std::size_t writes) { writes_ = writes; }  // where many lives are lived, each need not try them all
  std::size_t tried() const { return tried_; }

 private:
  Complain complain_;
  std::size_t step_ = 0, writes_ = 1, tried_ = 0, heard_ = 0;
};

}  // namespace certferry::simulation
