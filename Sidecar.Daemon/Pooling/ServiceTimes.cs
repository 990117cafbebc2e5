using System.Runtime.InteropServices;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Pooling;

/// <summary>How long an agent takes for each kind of event: of late, and with nothing else to do, as far as that is known.</summary>
/// <remarks>Times are seconds. Not safe for use by several threads.</remarks>
internal sealed class ServiceTimes
{
    private const int Kinds = (int)EventKind.Configure + 1;

    // Queueing for less than this harms nobody, and lets quick agents read and write in batches.
    private const double Grace = 0.001;

    private readonly double[] _unloaded = new double[Kinds];
    private readonly Times[] _answered = new Times[Kinds];
    private readonly Times[] _unanswered = new Times[Kinds];

    /// <summary>One more of the window.</summary>
    public void Add(EventKind kind, double seconds, bool isAnswered) => (isAnswered ? _answered : _unanswered)[(int)kind].Add(seconds);

    /// <summary>Begins another window; what is known stays.</summary>
    public void Clear()
    {
        Array.Clear(_answered);
        Array.Clear(_unanswered);
    }

    /// <summary>What the calls of the window took, and what they would have taken of an agent with nothing else to do.</summary>
    public (double Took, double Unloaded) Compare()
    {
        var (took, unloaded) = (0.0, 0.0);
        for (var kind = 0; kind < Kinds; kind++)
        {
            // Before any answer nothing tells that an agent queues.
            var (seen, guessed, known) = (_answered[kind], _unanswered[kind], _unloaded[kind]);
            took += seen.Sum + guessed.Sum;
            unloaded += known == 0 ? guessed.Sum : (seen.Count + guessed.Count) * (known + Grace);
        }

        return (took, unloaded);
    }

    /// <summary>Takes the times of the window for those of an agent with nothing else to do.</summary>
    /// <param name="canRise">
    /// Whether the agent had nothing else to do. A window of one that had may only show that a kind of event is quicker than was known, and
    /// only where that is no chance.
    /// </param>
    /// <param name="weight">How much the window counts beside what was known, 0 to 1.</param>
    public void Learn(bool canRise, double weight)
    {
        for (var kind = 0; kind < Kinds; kind++)
        {
            // Nothing is learnt from calls that were not answered: their times are guesses.
            ref var seen = ref _answered[kind];
            ref var known = ref _unloaded[kind];
            if (seen.Count > 0 && known == 0)
            {
                known = seen.Mean;
            }
            else if (seen.Count > 0 && (canRise || known - seen.Mean > 2.5 * Math.Max(seen.Error, known / Math.Sqrt(seen.Count))))
            {
                known += weight * (seen.Mean - known);
            }
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Times
    {
        private double _squares;

        public int Count { get; private set; }

        public double Sum { get; private set; }

        public readonly double Mean => Sum / Count;

        public readonly double Error => Math.Sqrt(Math.Max(0, (_squares / Count) - (Mean * Mean)) / Count);

        public void Add(double seconds)
        {
            Count++;
            Sum += seconds;
            _squares += seconds * seconds;
        }
    }
}
