using System.Globalization;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd;

/// <summary>Reads the metrics of a daemon of its own process.</summary>
internal static class AdminMetrics
{
    /// <summary>Sum of a metric over all series that carry these labels.</summary>
    public static async Task<long> SumAsync(string adminSocket, string name, params string[] labels) =>
        (await SeriesAsync(adminSocket, name))
            .Where(series => labels.All(label => series.Key.Contains(label, StringComparison.Ordinal)))
            .Sum(static series => series.Value);

    /// <summary>All series of a metric, by their names with labels.</summary>
    public static async Task<Dictionary<string, long>> SeriesAsync(string adminSocket, string name)
    {
        using var client = UnixHttp.Client(adminSocket);
        var text = await client.GetStringAsync(new Uri("http://localhost/metrics"), CancellationToken.None);
        return text.Split('\n')
            .Where(line => line.StartsWith(name + "{", StringComparison.Ordinal) || line.StartsWith(name + " ", StringComparison.Ordinal))
            .ToDictionary(
                static line => line[..line.LastIndexOf(' ')], static line => (long)double.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture),
                StringComparer.Ordinal);
    }
}
