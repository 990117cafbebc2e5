using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Tests.Support;

/// <summary>A <see cref="SidecarMetrics"/> of its own with the sums of what was counted on it. Thread-safe.</summary>
internal sealed class MetricSums : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _sums = new(StringComparer.Ordinal);
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MeterListener _listener = new();

    public MetricSums()
    {
        var factory = _services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            // Other tests have meters of the same name in this process.
            if (ReferenceEquals(instrument.Meter.Scope, factory))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument.Name, value, tags));
        _listener.Start();
        Metrics = new SidecarMetrics(factory);
    }

    /// <summary>The factory of its meter, for those who listen too.</summary>
    public IMeterFactory Factory => _services.GetRequiredService<IMeterFactory>();

    /// <summary>Where the code under test counts.</summary>
    public SidecarMetrics Metrics { get; }

    /// <summary>The sum of one instrument over all labels.</summary>
    public long Total(string name) => Lines(name).Sum(static line => line.Value);

    /// <summary>The sums of one instrument that are not zero, each as its label values joined by <c>|</c> in the order they are given, with <c>=</c> and the sum.</summary>
    public IReadOnlyList<string> Of(string name) => [.. Lines(name).Where(static line => line.Value != 0)
        .Select(line => $"{line.Key[(name.Length + 1)..]}={line.Value}").Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        _listener.Dispose();
        Metrics.Dispose();
        _services.Dispose();
    }

    private List<KeyValuePair<string, long>> Lines(string name)
    {
        lock (_lock)
        {
            return [.. _sums.Where(line => line.Key.StartsWith(name + " ", StringComparison.Ordinal))];
        }
    }

    private void Add(string name, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var key = name + " ";
        foreach (var tag in tags)
        {
            key += (key.EndsWith(' ') ? "" : "|") + tag.Value;
        }

        lock (_lock)
        {
            _sums[key] = _sums.GetValueOrDefault(key) + value;
        }
    }
}
