using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Daemon.Diagnostics;

namespace Sidecar.Tests.Support;

/// <summary>A <see cref="SidecarMetrics"/> of its own with the sums of what was counted on it. Thread-safe.</summary>
internal sealed class MetricSums : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Name, string Values, string Labels), long> _sums = [];
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

    /// <summary>The sum of one instrument over everything that has at least these labels.</summary>
    public long Sum(string name, params (string Name, string Value)[] labels) => Lines(name)
        .Where(line => Array.TrueForAll(labels, label => line.Key.Labels.Contains($"\n{label.Name}={label.Value}\n", StringComparison.Ordinal)))
        .Sum(static line => line.Value);

    /// <summary>
    /// The sums of one instrument that are not zero, each as its label values joined by <c>|</c> in the order they are given, with <c>=</c> and the sum.
    /// Without the version, of which agents have one here; who cares for it asks for the sum of that.
    /// </summary>
    public IReadOnlyList<string> Of(string name) =>
        [.. Lines(name).Where(static line => line.Value != 0).Select(static line => $"{line.Key.Values}={line.Value}").Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        _listener.Dispose();
        Metrics.Dispose();
        _services.Dispose();
    }

    private List<KeyValuePair<(string Name, string Values, string Labels), long>> Lines(string name)
    {
        lock (_lock)
        {
            return [.. _sums.Where(line => line.Key.Name == name)];
        }
    }

    private void Add(string name, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = tags.ToArray();
        var values = string.Join('|', labels.Where(static label => label.Key != "version").Select(static label => label.Value));
        var key = (name, values, $"\n{string.Join('\n', labels.Select(static label => $"{label.Key}={label.Value}"))}\n");
        lock (_lock)
        {
            _sums[key] = _sums.GetValueOrDefault(key) + value;
        }
    }
}
