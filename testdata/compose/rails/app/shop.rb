class Shop; end
