using System.Globalization;

namespace Sidecar.Tests.Fuzz;

/// <summary>What a run came to.</summary>
/// <param name="Inputs">Inputs that were run.</param>
/// <param name="Kinds">Different ends they came to.</param>
/// <param name="Finding">What must not be; null when there was nothing. It ends the run.</param>
internal sealed record FuzzReport(long Inputs, IReadOnlyDictionary<string, byte[]> Kinds, FuzzFinding? Finding);

/// <summary>An input that an entry point cannot bear.</summary>
/// <param name="Target">The entry point.</param>
/// <param name="Input">The input.</param>
/// <param name="What">What happened.</param>
internal sealed record FuzzFinding(string Target, byte[] Input, string What)
{
    /// <inheritdoc/>
    public override string ToString() => $"""
        {Target}: {What}
        Input of {Input.Length} bytes: {Convert.ToHexString(Input)}
        Run it alone: {FuzzSettings.InputVariable}=that dotnet test --filter 'FullyQualifiedName~FuzzTests&Name~{Target}'
        Keep it: this line in Sidecar.Tests/Corpus/fuzz/{Target}.txt: {FuzzCorpus.LineOf(Input)}
        """;
}

/// <summary>Feeds one target with inputs. The same inputs in the same order for the same seed; how far it gets is a matter of time.</summary>
/// <param name="target">The target.</param>
/// <param name="known">Inputs to begin with.</param>
/// <param name="seed">The seed.</param>
/// <param name="time">The clock.</param>
internal sealed class Fuzzer(FuzzTarget target, IReadOnlyList<byte[]> known, int seed, TimeProvider time)
{
    // An input that ends in a new way is worth changing further; more of them than this are mostly echoes.
    private const int MostKept = 512;
    private const int MostMeasurements = 4;

    // Microseconds are usual. A machine under load takes a thread its processor for a while, but not twice for one input.
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, byte[]> _kinds = new(StringComparer.Ordinal);
    private byte[] _current = [];

    /// <summary>The input being run, for whoever finds that it does not end.</summary>
    public byte[] Current => Volatile.Read(ref _current);

    /// <summary>Told each input before it is run, so that it outlives the process; null for nobody.</summary>
    public Action<byte[]>? Before { get; init; }

    /// <summary>Runs the known inputs.</summary>
    public FuzzReport RunKnown()
    {
        foreach (var input in known)
        {
            if (Try(input) is { } finding)
            {
                return new FuzzReport(known.Count, _kinds, finding);
            }
        }

        return new FuzzReport(known.Count, _kinds, null);
    }

    /// <summary>Runs changed inputs.</summary>
    /// <param name="duration">For how long.</param>
    public FuzzReport Run(TimeSpan duration)
    {
        var start = time.GetTimestamp();
        var random = new Random(seed);
        var mutator = new Mutator(random);
        var pool = known.Count > 0 ? known.ToList() : [[]];
        var inputs = 0L;
        do
        {
            var input = mutator.Mutate(pool[random.Next(pool.Count)], pool[random.Next(pool.Count)]);
            if (random.Next(2) == 0)
            {
                target.Repair?.Invoke(input);
            }

            inputs++;
            var before = _kinds.Count;
            if (Try(input) is { } finding)
            {
                return new FuzzReport(inputs, _kinds, finding);
            }

            if (_kinds.Count > before)
            {
                pool.Add(input);
            }
        }
        while (time.GetElapsedTime(start) < duration);

        return new FuzzReport(inputs, _kinds, null);
    }

    /// <summary>A shorter input that comes to the same end, found by leaving out parts.</summary>
    public byte[] Shorten(byte[] input)
    {
        var end = EndOf(input);
        for (var part = input.Length / 2; part > 0; part /= 2)
        {
            for (var at = 0; at + part <= input.Length;)
            {
                byte[] shorter = [.. input[..at], .. input[(at + part)..]];
                (input, at) = EndOf(shorter) == end ? (shorter, at) : (input, at + part);
            }
        }

        return input;
    }

    private string EndOf(byte[] input)
    {
        try
        {
            return target.Run((byte[])input.Clone());
        }
        catch (Exception e)
        {
            return e.GetType().Name + FuzzTarget.Refused(e.Message);
        }
    }

    /// <summary>Runs one input.</summary>
    /// <returns>What must not be; null when there was nothing.</returns>
    public FuzzFinding? Try(byte[] input)
    {
        Volatile.Write(ref _current, input);
        Before?.Invoke(input);
        var bound = target.FreeBytes + (target.BytesPerByte * input.Length);
        for (var measurement = 1; ; measurement++)
        {
            var copy = (byte[])input.Clone();
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            var start = time.GetTimestamp();
            string kind;
            try
            {
                kind = target.Run(copy);
            }
            catch (Exception e)
            {
                return new FuzzFinding(target.Name, input, e is FuzzException ? e.Message : e.ToString());
            }

            var elapsed = time.GetElapsedTime(start);
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            if (allocated <= bound && elapsed <= Slow)
            {
                if (_kinds.Count < MostKept)
                {
                    _kinds.TryAdd(kind, input);
                }

                return null;
            }

            // The first call of anything prepares what later calls use, and a scheduler has whims; what the input causes, it causes each time.
            if (measurement == MostMeasurements)
            {
                return new FuzzFinding(target.Name, input, allocated > bound
                    ? string.Create(CultureInfo.InvariantCulture,
                        $"{allocated} bytes are allocated for {input.Length}; at most {bound} may be")
                    : string.Create(CultureInfo.InvariantCulture, $"it takes {elapsed.TotalSeconds:0.0} s"));
            }
        }
    }
}
