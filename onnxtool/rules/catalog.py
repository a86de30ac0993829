"""Every rule, in one table: to add one, write it in its family's module and list it here."""

from __future__ import annotations

from onnxtool.rules import (
    axes,
    files,
    joint_run,
    lengths,
    predictor_run,
    running,
    streaming_cache,
    streaming_loop,
    streaming_offline,
    streaming_schedule,
)
from onnxtool.rules.rule import Rule

CATALOG: tuple[Rule, ...] = (
    # Files, external data, hashes
    files.missing_external_file,
    # Header and weights
    running.does_not_run,
    # Interface and dynamic axes
    lengths.lengths_broadcast,
    lengths.length_ignored,
    axes.specialized_axis,
    lengths.limited_length,
    # Joint and predictor
    joint_run.normalized_joint_values,
    joint_run.joint_depends_on_neighbors,
    predictor_run.stateless_predictor_step,
    predictor_run.predictor_ignores_token,
    # Streaming
    streaming_cache.unpaired_state,
    streaming_loop.closed_loop_breaks,
    streaming_loop.wrong_cache_length,
    streaming_loop.dead_state,
    streaming_cache.misplaced_cache_frames,
    streaming_cache.unmasked_cache,
    streaming_cache.unused_cache,
    streaming_schedule.frames_lost_or_repeated,
    streaming_schedule.streaming_config_differs,
    streaming_schedule.misaligned_first_chunk,
    streaming_schedule.chunk_does_not_run,
    streaming_offline.streaming_unlike_offline,
    streaming_offline.not_trained_for_streaming,
    streaming_offline.normalized_over_utterance,
    streaming_offline.cache_exceeds_positions,
    streaming_loop.growing_state,
    streaming_cache.padding_enters_cache,
    streaming_loop.start_not_repeatable,
)
