namespace Sidecar.Daemon.Diagnostics;

/// <summary>A series of one value: a counter or a gauge.</summary>
/// <remarks>Whole numbers stay whole, so that a total past 2^53 still counts every step.</remarks>
internal sealed class ScalarSeries(byte[] labels, InstrumentTraits traits) : Series(labels)
{
    private readonly bool _accumulates = traits.Accumulates;

    // An observed counter reports its total, which another start of what it observes may reset.
    private readonly bool _mayFall = traits.Kind is not MetricKind.Counter || !traits.Accumulates;
    private readonly bool _whole = traits.Whole;
    private long _count;
    private double _value;

    public override bool Record(long value)
    {
        if (!_whole)
        {
            return Record((double)value);
        }

        if (!_accumulates)
        {
            Volatile.Write(ref _count, value);
            return true;
        }

        if (value < 0 && !_mayFall)
        {
            return false;
        }

        Interlocked.Add(ref _count, value);
        return true;
    }

    public override bool Record(double value)
    {
        if (!_accumulates)
        {
            Volatile.Write(ref _value, value);
            return true;
        }

        if (!double.IsFinite(value) || (value < 0 && !_mayFall))
        {
            return false;
        }

        AtomicSum.Add(ref _value, value);
        return true;
    }

    public override void Write(PrometheusText text, string name)
    {
        if (_whole)
        {
            text.Sample(name, Labels, Volatile.Read(ref _count));
        }
        else
        {
            text.Sample(name, Labels, Volatile.Read(ref _value));
        }
    }
}
