using System.Globalization;
using System.Runtime.InteropServices;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>The members of any metric while it is read (spec §6.3).</summary>
[StructLayout(LayoutKind.Auto)]
internal struct MetricParts
{
    /// <summary>The bound of the last bucket on the wire.</summary>
    internal const string Infinity = "+Inf";

    private static readonly MemberTable Scalar = new(4, "name", "help", "labels", "value", "sum", "count", "buckets");
    private static readonly MemberTable ScalarWithoutHelp = Scalar.InOrder("name", "labels", "value");
    private static readonly MemberTable Histogram = Scalar.InOrder("name", "help", "labels", "sum", "count", "buckets");
    private static readonly MemberTable HistogramWithoutHelp = Scalar.InOrder("name", "labels", "sum", "count", "buckets");
    private static readonly MemberTable BucketMembers = new(2, "le", "count");

    private string? _name;
    private string? _help;
    private IReadOnlyDictionary<string, string>? _labels;
    private double _value;
    private ulong _wholeValue;
    private double _sum;
    private ulong _count;
    private IReadOnlyList<HistogramBucket>? _buckets;

    internal static MetricParts Read<TReader>(ref TReader r, bool histogram)
        where TReader : struct, IValueReader, allows ref struct
    {
        var parts = default(MetricParts);
        var scope = r.BeginStruct();
        var table = TableFor(scope, histogram);
        while (r.Next(ref scope, table, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref parts._name),
                1 => r.Into(ref parts._help),
                2 => r.Into(out parts._labels, r.ReadTextMap()),
                3 => parts.ReadValue(ref r),
                4 => r.Into(ref parts._sum),
                5 => r.Into(ref parts._count),
                _ => r.Into(out parts._buckets, r.ReadList(ReadBucket)),
            };
        }

        return parts;
    }

    internal readonly CounterMetric ToCounter() =>
        new() { Name = Name(), Help = _help, Labels = _labels ?? EmptyMap.OfStrings, Value = _wholeValue };

    internal readonly GaugeMetric ToGauge() =>
        new() { Name = Name(), Help = _help, Labels = _labels ?? EmptyMap.OfStrings, Value = _value };

    internal readonly HistogramMetric ToHistogram() => new()
    {
        Name = Name(),
        Help = _help,
        Labels = _labels ?? EmptyMap.OfStrings,
        Sum = _sum,
        Count = _count,
        Buckets = _buckets ?? [],
    };

    // An empty help is really left out of the array, so that the members behind it move up (spec §4.2).
    private static MemberTable TableFor(ValueScope scope, bool histogram)
    {
        var full = histogram ? 6 : 4;
        return !scope.IsMap && scope.Count == full - 1
            ? histogram ? HistogramWithoutHelp : ScalarWithoutHelp
            : histogram ? Histogram : Scalar;
    }

    private static HistogramBucket ReadBucket<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        double? bound = null;
        ulong count = 0;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, BucketMembers, out var member))
        {
            _ = member == 0
                ? r.Into(out bound, r.Kind == ValueKind.Number ? r.ReadDouble() : BoundOf(r.ReadString()))
                : r.Into(ref count);
        }

        return new HistogramBucket(bound ?? throw ProtocolErrors.Missing("a bucket", "le"), count);
    }

    private static double BoundOf(string text)
    {
        if (text is Infinity or "Inf")
        {
            return double.PositiveInfinity;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var bound)
            ? bound
            : throw ProtocolErrors.Unknown("le", text, "numbers, +Inf and Inf");
    }

    private bool ReadValue<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        // A gauge may be any number and a counter any whole one beyond what a double holds: keep both views.
        var copy = r;
        _value = r.ReadDouble();
        if (_value >= 0 && double.IsInteger(_value))
        {
            _wholeValue = copy.ReadUInt64();
        }

        return true;
    }

    private readonly string Name() => _name ?? throw ProtocolErrors.Missing("a metric", "name");
}
