using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sidecar.Daemon.Control;

/// <summary>Reads what an operator sends with an order: one JSON object, or nothing.</summary>
internal static class OrderBody
{
    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(10);

    /// <summary>Reads an order.</summary>
    /// <param name="request">The request with it.</param>
    /// <param name="most">Most bytes that it may have, for the message.</param>
    /// <param name="fields">The fields that it may have, for the message.</param>
    /// <param name="type">What it is.</param>
    /// <param name="nothing">What it is when nothing was sent.</param>
    /// <returns>The order, or why there is none.</returns>
    public static async Task<(T? Order, AdminAnswer Problem)> ReadAsync<T>(
        IHttpRequestFeature request, int most, string fields, JsonTypeInfo<T> type, T nothing)
        where T : class
    {
        try
        {
            using var limit = new CancellationTokenSource(ReadLimit, TimeProvider.System);
            using var bytes = new MemoryStream();
            await request.Body.CopyToAsync(bytes, limit.Token);
            return bytes.Length == 0 ? (nothing, default)
                : (JsonSerializer.Deserialize(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), type) ?? nothing, default);
        }
        catch (BadHttpRequestException e)
        {
            return (null, AdminAnswer.Error(
                e.StatusCode,
                e.StatusCode == StatusCodes.Status413PayloadTooLarge ? $"the order is longer than {most} bytes" : e.Message));
        }
        catch (JsonException e)
        {
            return (null, AdminAnswer.Error(StatusCodes.Status400BadRequest, $"the order is not understood (line {(e.LineNumber ?? 0) + 1}, "
                + $"byte {e.BytePositionInLine ?? 0}): send a JSON object with {fields}, and no other"));
        }
        catch (OperationCanceledException)
        {
            return (null, AdminAnswer.Error(
                StatusCodes.Status408RequestTimeout, $"the order did not come within {ReadLimit.TotalSeconds:0} s"));
        }
    }
}
