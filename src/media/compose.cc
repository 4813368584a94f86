extern "C" {
#include "media/compose.h"
}

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

/* Asked for by qpdf 11: shared_ptr in its interface. */
#define POINTERHOLDER_TRANSITION 4
#include <qpdf/Buffer.hh>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <qpdf/QPDFPageDocumentHelper.hh>
#include <qpdf/QPDFPageObjectHelper.hh>
#include <qpdf/QPDFWriter.hh>

namespace
{

/* Puts the overlay's page on the base's, turned and scaled as a reader shows that page. */
void lay_over(QPDF &base, QPDFPageObjectHelper page, QPDFPageObjectHelper text)
{
	QPDFObjectHandle form = base.copyForeignObject(text.getFormXObjectForPage());
	QPDFObjectHandle resources = page.getAttribute("/Resources", true);
	if (!resources.isDictionary()) {
		resources = QPDFObjectHandle::newDictionary();
		page.getObjectHandle().replaceKey("/Resources", resources);
	}
	QPDFObjectHandle xobjects = resources.getKey("/XObject");
	/* A dictionary that other pages use must not get our name. */
	xobjects = xobjects.isDictionary() ? xobjects.shallowCopy() : QPDFObjectHandle::newDictionary();
	resources.replaceKey("/XObject", xobjects);
	int suffix = 1;
	std::string name = resources.getUniqueResourceName("/TiroText", suffix);
	QPDFObjectHandle::Rectangle box = page.getCropBox().getArrayAsRectangle();
	std::string content = page.placeFormXObject(form, name, box, true, true, true);
	if (content.empty())
		return;
	xobjects.replaceKey(name, form);
	/* First, so that what the page's operators leave behind does not move our text; it is invisible anyway. */
	page.addPageContents(base.newStream(content), true);
}

void open_memory(QPDF &pdf, const char *name, const void *bytes, size_t len)
{
	pdf.setSuppressWarnings(true);
	pdf.setAttemptRecovery(true);
	pdf.processMemoryFile(name, static_cast<const char *>(bytes), len);
}

enum err_code compose(const struct compose_job *job, struct err *err)
{
	QPDF base;
	QPDF overlay;
	open_memory(base, "file", job->base, job->base_len);
	open_memory(overlay, "text", job->overlay, job->overlay_len);
	std::vector<QPDFPageObjectHelper> pages = QPDFPageDocumentHelper(base).getAllPages();
	std::vector<QPDFPageObjectHelper> texts = QPDFPageDocumentHelper(overlay).getAllPages();
	if (pages.size() != texts.size())
		return err_set(err, ERR_INVALID, "the file has %zu pages, its text has %zu", pages.size(),
			       texts.size());
	for (size_t i = 0; i < pages.size(); i++)
		lay_over(base, pages[i], texts[i]);
	QPDFWriter writer(base);
	writer.setOutputMemory();
	writer.setStaticID(false);
	writer.setDeterministicID(true);
	writer.setPreserveEncryption(false);
	writer.setStreamDataMode(qpdf_s_preserve);
	writer.setObjectStreamMode(qpdf_o_preserve);
	writer.write();
	std::shared_ptr<Buffer> made = writer.getBufferSharedPointer();
	uint8_t *room = nullptr;
	if (job->sink->allocate(job->sink->ctx, made->getSize(), &room, err) != ERR_OK)
		return err->code;
	memcpy(room, made->getBuffer(), made->getSize());
	return ERR_OK;
}

} // namespace

extern "C" enum err_code media_compose(const struct compose_job *job, struct err *err)
{
	/* No exception may leave C++. */
	try {
		return compose(job, err);
	} catch (const std::bad_alloc &) {
		return err_set(err, ERR_NO_MEMORY, "no memory to write the PDF");
	} catch (const std::exception &e) {
		return err_set(err, ERR_BAD_MEDIA, "the PDF cannot be written: %s", e.what());
	}
}
