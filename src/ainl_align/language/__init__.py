"""The AINL language: the reference compiler and runtime, our stricter checks, and simulated worlds."""
