namespace Konstruct.Gateway.Development;

/// <summary>Settings of the developer's page, which exists only in Development: configuration section <c>Page</c>.</summary>
internal sealed class PageOptions
{
    public const string Section = "Page";

    /// <summary>
    /// Address of a dashboard with traces, such as <c>http://localhost:18888</c>. Default none: the page shows trace ids without links.
    /// </summary>
    public Uri? DashboardUrl { get; set; }
}
