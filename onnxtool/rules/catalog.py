"""Every rule, in one table: to add one, write it in its family's module and list it here."""

from __future__ import annotations

from onnxtool.rules import quantized
from onnxtool.rules.bundle import contradictions, encoders, graphs, metadata
from onnxtool.rules.contents import header, leftovers, properties, running, weights
from onnxtool.rules.files import digests, external_data, folder
from onnxtool.rules.interface import axes, lengths, promises, symbols
from onnxtool.rules.joint import joint_run, predictor_run, raw_logits, vocabulary
from onnxtool.rules.rule import Rule
from onnxtool.rules.streaming import cache, config, loop, offline, schedule, training

CATALOG: tuple[Rule, ...] = (
    # Files, external data, hashes
    external_data.missing_external_file,
    external_data.short_external_file,
    external_data.external_length_unlike_shape,
    external_data.external_data_outside_folder,
    external_data.linked_external_file,
    folder.unreferenced_file,
    folder.shared_external_data,
    external_data.oversized_model_file,
    digests.unattested_weights,
    digests.digest_unlike_content,
    external_data.external_data_in_attribute,
    folder.unreadable_file,
    # Header and weights
    header.invalid_model,
    header.unsupported_version_or_domain,
    properties.missing_runtime_metadata,
    properties.misleading_url,
    leftovers.training_leftovers,
    weights.broken_weights,
    header.mixed_weight_types,
    running.does_not_run,
    leftovers.duplicate_weights,
    running.output_not_finite,
    # Interface and dynamic axes
    promises.unlike_promised_interface,
    symbols.static_axis,
    symbols.static_length,
    lengths.lengths_broadcast,
    lengths.length_ignored,
    axes.specialized_axis,
    lengths.limited_length,
    symbols.states_of_unlike_batch,
    promises.generated_public_name,
    promises.integer_type_unlike_target,
    promises.unused_input,
    promises.overridable_initializer,
    symbols.one_symbol_for_two_sizes,
    # Joint and predictor
    raw_logits.normalized_joint_output,
    joint_run.normalized_joint_values,
    vocabulary.unlike_vocabulary_size,
    vocabulary.contradictory_blank,
    vocabulary.impossible_durations,
    joint_run.joint_depends_on_neighbors,
    predictor_run.stateless_predictor_step,
    predictor_run.predictor_ignores_token,
    # Streaming
    cache.unpaired_state,
    loop.closed_loop_breaks,
    loop.wrong_cache_length,
    loop.dead_state,
    cache.misplaced_cache_frames,
    cache.unmasked_cache,
    cache.unused_cache,
    schedule.frames_lost_or_repeated,
    config.streaming_config_differs,
    schedule.misaligned_first_chunk,
    schedule.chunk_does_not_run,
    offline.streaming_unlike_offline,
    training.not_trained_for_streaming,
    training.normalized_over_utterance,
    training.cache_exceeds_positions,
    loop.growing_state,
    cache.padding_enters_cache,
    loop.start_not_repeatable,
    # Bundle and metadata
    metadata.incomplete_metadata,
    graphs.unfitting_graphs,
    metadata.contradictory_features,
    graphs.unusable_vocabulary,
    contradictions.contradictory_metadata,
    encoders.encoders_of_unlike_weights,
    graphs.mixed_exports,
    properties.missing_runtime_file,
    # Quantization
    quantized.quantized_in_name_only,
    quantized.risky_quantized_operator,
    quantized.operator_newer_than_target,
)
