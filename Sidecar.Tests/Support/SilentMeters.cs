using System.Diagnostics.Metrics;

namespace Sidecar.Tests.Support;

/// <summary>Makes meters that nobody listens to.</summary>
internal sealed class SilentMeters : IMeterFactory
{
    public Meter Create(MeterOptions options) => new(options);

    public void Dispose()
    {
        // Nothing listens to these meters.
    }
}
