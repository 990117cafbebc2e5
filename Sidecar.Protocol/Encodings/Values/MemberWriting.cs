using System.Runtime.CompilerServices;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Writes a member, name and value; null where there is no value.</summary>
internal static class MemberWriting
{
    extension<TWriter>(ref TWriter w)
        where TWriter : struct, IValueWriter<TWriter>, allows ref struct
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, string? value)
        {
            w.Key(name);
            w.String(value);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, CorrelationId value)
        {
            w.Key(name);
            w.Id(value);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, bool value)
        {
            w.Key(name);
            w.Boolean(value);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, ulong? value)
        {
            w.Key(name);
            w.UInt64OrNull(value);
        }

        internal void Member(scoped ReadOnlySpan<byte> name, float? value)
        {
            w.Key(name);
            w.SingleOrNull(value);
        }

        internal void Member(scoped ReadOnlySpan<byte> name, HeaderBlock value)
        {
            w.Key(name);
            w.Headers(value);
        }

        internal void Member(scoped ReadOnlySpan<byte> name, IReadOnlyList<string> values)
        {
            w.Key(name);
            w.Strings(values);
        }

        internal void Member(scoped ReadOnlySpan<byte> name, IReadOnlyDictionary<string, string>? value)
        {
            w.Key(name);
            w.TextMap(value);
        }

        internal void Member<T>(scoped ReadOnlySpan<byte> name, IReadOnlyList<T> values, WriteValue<TWriter, T> write)
        {
            w.Key(name);
            w.List(values, write);
        }
    }
}
