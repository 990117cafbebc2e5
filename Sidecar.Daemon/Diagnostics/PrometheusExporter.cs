using System.Buffers;
using System.Diagnostics.Metrics;

namespace Sidecar.Daemon.Diagnostics;

/// <summary>Collects what the instruments of <see cref="SidecarMetrics"/> measure, and writes it for Prometheus.</summary>
/// <remarks>
/// It listens from its construction on; what was measured before is not counted, so it is to be made before the first listener opens.
/// Recording and rendering are safe from any thread; renderings wait for each other. Only the meter that the given factory made is heard:
/// two daemons in one process do not see each other. What went wrong while measuring is itself a metric, <c>metrics_anomalies_total</c>.
/// </remarks>
internal sealed class PrometheusExporter : IDisposable
{
    /// <summary>Content type of what <see cref="Render"/> writes.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    // How often the last values of what is gone are shown: to several scrapers, each more than once.
    private const int LastRenderings = 10;

    // Where nobody scrapes nothing is shown, and so many wait for it in vain.
    private const int MaxLeaving = 100;

    private static readonly KeyValuePair<string, object?>[] OverflowReason = [new("reason", "overflow")];
    private static readonly KeyValuePair<string, object?>[] InvalidReason = [new("reason", "invalid")];
    private static readonly KeyValuePair<string, object?>[] ObserverReason = [new("reason", "observer")];

    private readonly PrometheusExporterOptions _options;
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly HashSet<MetricFamily> _observed = [];
    private readonly HashSet<string> _sampleNames = new(StringComparer.Ordinal);
    private readonly Lock _registry = new();
    private readonly Lock _rendering = new();
    private readonly Queue<(KeyValuePair<string, object?>[] Tags, Func<bool> IsBack, long Rendering)> _leaving = new();
    private readonly MetricFamily _anomalies;
    private readonly MeterListener _listener;
    private long _renderings;

    /// <summary>Starts to listen.</summary>
    /// <param name="factory">The factory that made, or will make, the meter.</param>
    /// <param name="options">Names and bounds.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public PrometheusExporter(IMeterFactory factory, PrometheusExporterOptions options)
    {
        PrometheusNames.CheckPrefix(options.Prefix);
        if (options.MaxSeriesPerInstrument is < 1 or > 1_000_000)
        {
            throw new ArgumentException(
                $"The bound on series per instrument is {options.MaxSeriesPerInstrument}; it must be from 1 to 1000000.", nameof(options));
        }

        _options = options;
        _anomalies = Register(
            "metrics.anomalies",
            "{measurement}",
            "Measurements kept without their labels (overflow) or dropped (invalid), and observers that threw (observer)",
            new InstrumentTraits(MetricKind.Counter, Accumulates: true, Whole: true, []));
        foreach (var reason in new[] { OverflowReason, InvalidReason, ObserverReason })
        {
            _anomalies.Record(0, reason);
        }

        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == SidecarMetrics.MeterName
                    && ReferenceEquals(instrument.Meter.Scope, factory)
                    && InstrumentTraits.Of(instrument) is { } traits)
                {
                    listener.EnableMeasurementEvents(instrument, Register(instrument, traits));
                }
            },
        };
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => Record((long)value, tags, state));
        _listener.SetMeasurementEventCallback<short>((_, value, tags, state) => Record((long)value, tags, state));
        _listener.SetMeasurementEventCallback<byte>((_, value, tags, state) => Record((long)value, tags, state));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<float>((_, value, tags, state) => Record((double)value, tags, state));
        _listener.SetMeasurementEventCallback<decimal>((_, value, tags, state) => Record((double)value, tags, state));
        _listener.Start();
    }

    /// <summary>Observes what is to be observed, and writes all metrics in the text format 0.0.4, in the order of their names.</summary>
    /// <remarks>An observer that throws costs only its own metric, and is counted.</remarks>
    public void Render(IBufferWriter<byte> output)
    {
        lock (_rendering)
        {
            MetricFamily[] families;
            lock (_registry)
            {
                families = [.. _families.Values];
                foreach (var family in _observed)
                {
                    family.Clear();
                }
            }

            while (_leaving.TryPeek(out var gone) && _renderings - gone.Rendering >= LastRenderings)
            {
                Drop(_leaving.Dequeue());
            }

            _renderings++;
            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException failed)
            {
                _anomalies.Record(failed.InnerExceptions.Count, ObserverReason);
            }

            var text = new PrometheusText(output);
            foreach (var family in families)
            {
                family.Write(text);
            }
        }
    }

    /// <summary>
    /// What has these tags, for example a version of an agent, is gone: its series are forgotten when they have been shown often enough for
    /// every scraper.
    /// </summary>
    /// <param name="isBack">Whether it is there again, and its series go on.</param>
    /// <param name="tags">The tags, all of them.</param>
    public void Forget(Func<bool> isBack, params KeyValuePair<string, object?>[] tags)
    {
        lock (_rendering)
        {
            _leaving.Enqueue((tags, isBack, _renderings));
            if (_leaving.Count > MaxLeaving)
            {
                Drop(_leaving.Dequeue());
            }
        }
    }

    /// <summary>Stops to listen. What was counted can still be rendered.</summary>
    public void Dispose() => _listener.Dispose();

    private void Drop((KeyValuePair<string, object?>[] Tags, Func<bool> IsBack, long Rendering) gone)
    {
        if (gone.IsBack())
        {
            return;
        }

        MetricFamily[] families;
        lock (_registry)
        {
            families = [.. _families.Values];
        }

        Array.ForEach(families, family => family.Forget(gone.Tags));
    }

    private MetricFamily Register(Instrument instrument, InstrumentTraits traits)
    {
        var family = Register(instrument.Name, instrument.Unit, instrument.Description, traits);
        if (instrument.IsObservable)
        {
            lock (_registry)
            {
                _observed.Add(family);
            }
        }

        return family;
    }

    // Instruments of one name and kind are one metric: a meter made anew after another was disposed goes on counting.
    private MetricFamily Register(string instrument, string? unit, string? description, InstrumentTraits traits)
    {
        var name = PrometheusNames.Metric(_options.Prefix, instrument, unit, traits.Kind);
        lock (_registry)
        {
            if (_families.TryGetValue(name, out var known) && known.Kind == traits.Kind)
            {
                return known;
            }

            var help = description is { Length: > 0 } ? description : instrument;
            var family = new MetricFamily(name, help, traits, _options.MaxSeriesPerInstrument);
            if (family.SampleNames.FirstOrDefault(_sampleNames.Contains) is { } taken)
            {
                throw new InvalidOperationException(
                    $"The instrument '{instrument}' would write samples named '{taken}', which another one writes; rename one of them.");
            }

            _sampleNames.UnionWith(family.SampleNames);
            _families.Add(name, family);
            return family;
        }
    }

    private void Record(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state) =>
        Note(((MetricFamily)state!).Record(value, tags));

    private void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state) =>
        Note(((MetricFamily)state!).Record(value, tags));

    private void Note(RecordOutcome outcome)
    {
        if (outcome is not RecordOutcome.Recorded)
        {
            _anomalies.Record(1, outcome is RecordOutcome.Overflowed ? OverflowReason : InvalidReason);
        }
    }
}

/// <summary>How metrics are named and bounded.</summary>
internal sealed record PrometheusExporterOptions
{
    /// <summary>First word of every metric's name: a letter, then letters, digits and underscores.</summary>
    public string Prefix { get; init; } = "sidecar";

    /// <summary>
    /// Most tag sets one instrument may have, 1 to 1,000,000. The default holds 50 routes by every state and cause that is likely,
    /// and at some 300 bytes a counter keeps the whole meter in a few megabytes even when each instrument reaches it.
    /// </summary>
    public int MaxSeriesPerInstrument { get; init; } = 2_000;
}
