using System.Net;
using System.Text;
using Sidecar.Protocol.Spop;

namespace Sidecar.Tests.Spop;

/// <summary>What the codec read, as the objects of <see cref="Support.SpopBytes"/>, to be compared.</summary>
internal static class Read
{
    public static object? Value(SpopValue value) => value.Type switch
    {
        SpopDataType.Null => null,
        SpopDataType.Boolean => value.TryGetBoolean(out var flag) ? flag : throw new InvalidOperationException(),
        SpopDataType.Int32 => checked((int)Number(value)),
        SpopDataType.UInt32 => checked((uint)Number(value)),
        SpopDataType.Int64 => Number(value),
        SpopDataType.UInt64 => value.TryGetUInt64(out var number) ? number : throw new InvalidOperationException(),
        SpopDataType.IPv4 or SpopDataType.IPv6 => new IPAddress(value.Bytes),
        SpopDataType.String => Encoding.UTF8.GetString(value.Bytes),
        _ => value.Bytes.ToArray(),
    };

    public static List<(string Message, List<(string Name, object? Value)> Arguments)> Messages(SpopNotify notify)
    {
        var messages = new List<(string, List<(string, object?)>)>();
        foreach (var message in notify)
        {
            var arguments = new List<(string, object?)>();
            foreach (var argument in message.Arguments)
            {
                arguments.Add((Encoding.UTF8.GetString(argument.Name), Value(argument.Value)));
            }

            messages.Add((Encoding.UTF8.GetString(message.Name), arguments));
        }

        return messages;
    }

    private static long Number(SpopValue value) => value.TryGetInt64(out var number) ? number : throw new InvalidOperationException();
}
