using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Sidecar.Daemon.Listeners;

/// <summary>Finds the meter that a server makes for itself, so that it can be disposed of with the server.</summary>
/// <remarks>
/// A server that is not made by a web host makes a meter that it neither shares nor disposes of, and every meter that is not disposed of is
/// kept by the runtime for ever: with listeners that come and go that is memory that grows, some KiB for each.
/// </remarks>
internal static class KestrelMeter
{
    private const string Name = "Microsoft.AspNetCore.Server.Kestrel";

    /// <summary>Makes a server.</summary>
    /// <param name="make">Makes it, on the calling thread.</param>
    /// <param name="meter">Its meter; null where it made none.</param>
    public static KestrelServer Make(Func<KestrelServer> make, out Meter? meter)
    {
        Meter? made = null;
        var thread = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                // Those of other servers are published at the start, or by other threads.
                if (instrument.Meter.Name == Name && Environment.CurrentManagedThreadId == Volatile.Read(ref thread))
                {
                    made = instrument.Meter;
                }
            },
        };
        listener.Start();
        Volatile.Write(ref thread, Environment.CurrentManagedThreadId);
        var server = make();
        meter = made;
        return server;
    }
}
