using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Inspection;

/// <summary>
/// Mints the ids of exchanges: a random upper half per process and a counter below it, unique, cheap, and not guessable from another
/// process.
/// </summary>
internal sealed class ExchangeIds
{
    private readonly ulong _prefix;
    private long _counter;

    public ExchangeIds()
    {
        Span<ulong> random = stackalloc ulong[2];
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(random));
        (_prefix, _counter) = (random[0] | 1, (long)(random[1] >> 2));
    }

    /// <summary>An id that no other exchange has.</summary>
    public CorrelationId Next() => new(new UInt128(_prefix, (ulong)Interlocked.Increment(ref _counter)));
}
