using System.Runtime.CompilerServices;
using System.Text.Json;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Writes one value.</summary>
internal delegate void WriteValue<TWriter, in T>(ref TWriter writer, T value)
    where TWriter : struct, IValueWriter, allows ref struct;

/// <summary>Writes a member, name and value; null where there is no value.</summary>
internal static class MemberWriting
{
    extension<TWriter>(ref TWriter w)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, string? value)
        {
            w.Key(name);
            if (value is not null)
            {
                w.String(value);
            }
            else
            {
                w.Null();
            }
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
        internal void Member(scoped ReadOnlySpan<byte> name, ulong value)
        {
            w.Key(name);
            w.UInt64(value);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, ulong? value)
        {
            w.Key(name);
            if (value is { } number)
            {
                w.UInt64(number);
            }
            else
            {
                w.Null();
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, float value)
        {
            w.Key(name);
            w.Single(value);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, float? value)
        {
            w.Key(name);
            if (value is { } number)
            {
                w.Single(number);
            }
            else
            {
                w.Null();
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Member(scoped ReadOnlySpan<byte> name, double value)
        {
            w.Key(name);
            w.Double(value);
        }

        internal void Member(scoped ReadOnlySpan<byte> name, JsonElement? value)
        {
            w.Key(name);
            w.JsonOrNull(value);
        }

        internal void Member(scoped ReadOnlySpan<byte> name, HeaderBlock value)
        {
            w.Key(name);
            w.Headers(value);
        }

        internal void Member(scoped ReadOnlySpan<byte> name, IReadOnlyList<string> values)
        {
            w.Key(name);
            w.BeginArray(values.Count);
            for (var i = 0; i < values.Count; i++)
            {
                w.String(values[i]);
            }

            w.EndArray();
        }

        internal void Member(scoped ReadOnlySpan<byte> name, IReadOnlyDictionary<string, string>? value)
        {
            w.Key(name);
            if (value is not null)
            {
                w.TextMap(value);
            }
            else
            {
                w.Null();
            }
        }

        /// <summary>Writes a member that is a list.</summary>
        internal void Member<T>(scoped ReadOnlySpan<byte> name, IReadOnlyList<T> values, WriteValue<TWriter, T> write)
        {
            w.Key(name);
            w.BeginArray(values.Count);
            for (var i = 0; i < values.Count; i++)
            {
                write(ref w, values[i]);
            }

            w.EndArray();
        }

        /// <summary>Writes a text that is left out where there is none.</summary>
        internal void MemberIfAny(scoped ReadOnlySpan<byte> name, string? value)
        {
            if (value is not null)
            {
                w.Member(name, value);
            }
        }
    }
}
