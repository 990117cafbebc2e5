using System.Diagnostics.Metrics;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Tests.Support;

/// <summary>Makes a daemon's meter and adds up what its counters count. Thread-safe.</summary>
internal sealed class MetricRecorder : IMeterFactory
{
    private readonly Lock _lock = new();
    private readonly List<(string Instrument, KeyValuePair<string, object?>[] Tags, long Value)> _counted = [];
    private readonly MeterListener _listener = new();
    private readonly List<Meter> _meters = [];

    /// <summary>Metrics whose counters are recorded.</summary>
    public MetricRecorder()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (_meters.Contains(instrument.Meter))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            lock (_lock)
            {
                _counted.Add((instrument.Name, tags.ToArray(), value));
            }
        });
        _listener.Start();
        Metrics = new SidecarMetrics(this);
    }

    /// <summary>The metrics to hand to the code under test.</summary>
    public SidecarMetrics Metrics { get; }

    /// <inheritdoc/>
    public Meter Create(MeterOptions options)
    {
        var meter = new Meter(options);
        _meters.Add(meter);
        return meter;
    }

    /// <summary>The sum of a counter over everything that has at least these labels.</summary>
    public long Sum(string instrument, params (string Name, string Value)[] labels)
    {
        lock (_lock)
        {
            return _counted
                .Where(one => one.Instrument == instrument && Array.TrueForAll(labels, label => one.Tags.Contains(new(label.Name, label.Value))))
                .Sum(static one => one.Value);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        _meters.ForEach(static meter => meter.Dispose());
    }
}
